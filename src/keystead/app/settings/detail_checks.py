"""The types of authorization details must be whole, and clients may only name those there are."""

from __future__ import annotations

from collections.abc import Iterator

from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.core.records.detail_type import FIELD_KINDS, DetailField

_COMMON = ("type", "locations", "actions", "datatypes", "privileges")


def require_whole_detail_types(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    """Demand types whose fields can be checked, and clients that name none other."""
    for name, kind in realm.authorization_details_types.items():
        place: Place = ("authorization_details_types", name)
        if not name or len(name) > 255 or not name.isprintable():
            yield place, "a type has a name of 1 to 255 printable characters"
        for field, rule in kind.fields.items():
            if field in _COMMON:
                yield (*place, "fields", field), f"`{field}` is a common field: list its values beside `fields`"
            yield from _field((*place, "fields", field), rule)
    for index, client in enumerate(realm.clients):
        unknown = set(client.authorization_details_types) - set(realm.authorization_details_types)
        if unknown:
            yield (
                ("clients", index, "authorization_details_types"),
                f"the realm's authorization_details_types have no {', '.join(sorted(unknown))}: declare it there",
            )


def _field(place: Place, rule: DetailField) -> Iterator[tuple[Place, str]]:
    if rule.type not in FIELD_KINDS:
        yield (*place, "type"), f"write one of {', '.join(FIELD_KINDS)}"
    if (rule.type == "array") is not (rule.items is not None):
        yield (*place, "items"), "an array says what its `items` are, and nothing else does"
    if rule.type != "object" and rule.fields:
        yield (*place, "fields"), "only an object has `fields`"
    if rule.items is not None:
        yield from _field((*place, "items"), rule.items)
    for name, inner in rule.fields.items():
        yield from _field((*place, "fields", name), inner)
