"""What tables and columns a framework declared: the only place that knows SQLAlchemy's and Django's ways of it.

Neither is imported until one of its objects is handed in.
"""

from __future__ import annotations

from typing import Protocol, cast

from keystead.authz.rows.tables import Column, Table


class Describer(Protocol):
    """A framework's way of telling about its tables."""

    def owns(self, entity: object) -> bool:
        """Whether an entity is one of this framework's."""

    def table(self, entity: object) -> Table:
        """Describe an entity's table. Raises: LookupError saying what it is instead."""

    def column(self, entity: object, column: object) -> Column:
        """Describe a column, given as the framework's own object or by name. Raises: LookupError."""


def describer_of(entity: object) -> Describer:
    """Find who can tell about an entity. Raises: LookupError."""
    if hasattr(entity, "_meta") and hasattr(entity, "objects"):
        from keystead.authz.rows import django_tables

        return cast("Describer", django_tables)
    if hasattr(entity, "__mapper__") or type(entity).__module__.startswith("sqlalchemy."):
        from keystead.authz.rows import sqlalchemy_tables

        return cast("Describer", sqlalchemy_tables)
    raise LookupError(f"{entity!r} is neither a mapped class, a Table, nor a Django model")
