"""What stands between the store and the file: one `Change` for each record to make, change or remove."""

from __future__ import annotations

from typing import Literal

import msgspec

from keystead.core.records.authorization import AuthorizationStore
from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds
from keystead.storage.ports import MAX_PAGE, Read, find

STORE_KNOWS_BETTER = frozenset({"version", "expires_at"})


class Change(msgspec.Struct, frozen=True):
    """One record to be made, changed or removed. `fields` names what differs, never the values."""

    verb: Literal["create", "update", "delete"]
    realm: str
    kind: str
    id: str
    fields: tuple[str, ...] = ()
    record: Record | None = None

    def __str__(self) -> str:
        sign = {"create": "+", "update": "~", "delete": "-"}[self.verb]
        detail = f" ({', '.join(self.fields)})" if self.fields else ""
        # The id of a store is not what the file calls it.
        name = f" {self.record.name}" if isinstance(self.record, AuthorizationStore) else ""
        return f"{sign} {self.realm}: {self.kind} {self.id}{name}{detail}"


def difference(wanted: Record, stored: Record | None, *, keep: frozenset[str] = frozenset()) -> Change | None:
    """Return what it takes to make `stored` into `wanted`; fields in `keep` are left as they are stored."""
    if stored is None:
        return Change("create", wanted.realm, wanted.kind, wanted.id, record=wanted)
    differing = tuple(
        name
        for name in wanted.__struct_fields__
        if name not in STORE_KNOWS_BETTER | keep and getattr(wanted, name) != getattr(stored, name)
    )
    if not differing:
        return None
    values = {name: getattr(wanted, name) for name in differing}
    return Change("update", wanted.realm, wanted.kind, wanted.id, differing, msgspec.structs.replace(stored, **values))


def all_of(kind: type[Record], realm: str, now: EpochSeconds) -> Read[list[Record]]:
    """List every record of a kind, page by page."""
    found: list[Record] = []
    while True:
        after = found[-1].id if found else ""
        page: list[Record] = yield from find(kind, realm, now, after=after)
        found += page
        if len(page) < MAX_PAGE:
            return found
