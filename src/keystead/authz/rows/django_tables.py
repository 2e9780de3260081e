"""Django's models and fields, described."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.tables import Column, Table

_KINDS: Final = (
    ((models.AutoField, models.BigAutoField, models.SmallAutoField, models.IntegerField), Kind.INTEGER),
    ((models.CharField, models.TextField), Kind.TEXT),
    ((models.UUIDField,), Kind.UUID),
)


def table(entity: object) -> Table:
    """Describe a model's table. Raises: LookupError."""
    if not (isinstance(entity, type) and issubclass(entity, models.Model)):
        raise LookupError(f"{entity!r} is not a model")
    return Table(entity._meta.db_table)


def column(entity: object, column: object) -> Column:
    """Describe a field, given by name or as `Order.owner`. Raises: LookupError."""
    field = _field(entity, column)
    target = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    kind, why_not = _kind(target)
    collation = getattr(target, "db_collation", None) or ""
    boolean = isinstance(field, models.BooleanField)
    place, name = table(field.model), str(field.column)
    return Column(place, name, field.attname, kind, why_not, boolean, bool(field.null), collation, field)


def _field(entity: object, column: object) -> models.Field[Any, Any]:
    field: object = getattr(column, "field", column)
    if isinstance(column, str):
        table(entity)
        assert isinstance(entity, type)
        assert issubclass(entity, models.Model)
        name = "pk" if column == "pk" else column
        try:
            field = entity._meta.pk if name == "pk" else entity._meta.get_field(name)
        except FieldDoesNotExist as missing:
            raise LookupError(str(missing)) from None
    if not isinstance(field, models.Field) or not field.concrete or field.many_to_many:
        raise LookupError(f"{column!r} is not a field with a column of its own; map a ManyToMany with by_link")
    return field


def _kind(field: models.Field[Any, Any]) -> tuple[Kind | None, str]:
    if hasattr(field, "from_db_value"):
        return None, f"what a {field.__class__.__name__} stores is not what Python sees; use a plain field"
    for classes, kind in _KINDS:
        if isinstance(field, classes):
            return kind, ""
    return None, f"ids are kept in integer, char, text or UUID fields, not in {field.__class__.__name__}"
