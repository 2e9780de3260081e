"""Which members of a batch may not overlap: strict two-phase locking in memory, by what their operations touch.

The members of a batch share one database transaction, so the database does not keep them apart. Each takes a lock
before every operation and keeps it to its end; whoever meets another's lock waits for that one to end. So the batch
does what its members would do one after another.

Shape: modes are `r` (reads), `w` (adds to, as others may too) and `x` (alone). `r` goes with `r`, `w` with `w`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final

from keystead.storage import ports

Lock = tuple[Hashable, str]
Locks = tuple[Lock, ...]


def _get(operation: ports.Get[Any]) -> Locks:
    return ((("record", operation.realm, operation.kind.kind, operation.id), "r"),)


def _find(operation: ports.Find[Any]) -> Locks:
    return ((("kind", operation.realm, operation.kind.kind), "r"),)


def _put(operation: ports.Put) -> Locks:
    record = operation.record
    # Storing a unique value may push out another record, one that has expired: nobody else then touches the kind.
    mode = "x" if record.unique_indexes else "w"
    return (("kind", record.realm, record.kind), mode), (("record", record.realm, record.kind, record.id), "x")


def _remove(operation: ports.Remove) -> Locks:
    kind = operation.kind.kind
    mode = "x" if operation.kind.unique_indexes else "w"
    return (("kind", operation.realm, kind), mode), (("record", operation.realm, kind, operation.id), "x")


def _one_time(operation: ports.Offer | ports.Redeem | ports.Claim) -> Locks:
    return ((("one-time", operation.realm, operation.purpose, operation.key), "x"),)


def _peek(operation: ports.Peek) -> Locks:
    return ((("one-time", operation.realm, operation.purpose, operation.key), "r"),)


def _family(operation: ports.StartFamily | ports.Rotate | ports.RevokeFamily) -> Locks:
    return ((("family", operation.realm, operation.family), "x"),)


def _look_at_family(operation: ports.LookAtFamily) -> Locks:
    return ((("family", operation.realm, operation.family), "r"),)


def _write_relationships(operation: ports.WriteRelationships | ports.DropRelationships) -> Locks:
    return ((("relationships", operation.realm, operation.store), "x"),)


def _relationships(
    operation: ports.ReadRelationships
    | ports.LoadRelationships
    | ports.RelationshipRevision
    | ports.LookAtFeed
    | ports.RelationshipChanges,
) -> Locks:
    return ((("relationships", operation.realm, operation.store), "r"),)


def _stored_relationships(operation: ports.StoredRelationships) -> Locks:
    return _relationships(operation.wanted)


def _emit(operation: ports.Emit) -> Locks:
    return (("outbox", "w"),)


def _read_outbox(operation: ports.ReadOutbox) -> Locks:
    return (("outbox", "r"),)


LOCKS: Final[dict[type[Any], Callable[[Any], Locks]]] = {
    ports.Get: _get,
    ports.Find: _find,
    ports.Put: _put,
    ports.Remove: _remove,
    ports.Offer: _one_time,
    ports.Redeem: _one_time,
    ports.Claim: _one_time,
    ports.Peek: _peek,
    ports.StartFamily: _family,
    ports.Rotate: _family,
    ports.RevokeFamily: _family,
    ports.LookAtFamily: _look_at_family,
    ports.WriteRelationships: _write_relationships,
    ports.DropRelationships: _write_relationships,
    ports.ReadRelationships: _relationships,
    ports.StoredRelationships: _stored_relationships,
    ports.LoadRelationships: _relationships,
    ports.LookAtFeed: _relationships,
    ports.RelationshipRevision: _relationships,
    ports.RelationshipChanges: _relationships,
    ports.Emit: _emit,
    ports.ReadOutbox: _read_outbox,
}
"""What each operation locks."""


class LockTable:
    """Who holds what. A holder is any object, compared by identity."""

    def __init__(self) -> None:
        self._holders: dict[Hashable, dict[int, str]] = {}
        self._held: dict[int, list[Hashable]] = {}

    def take(self, holder: object, locks: Locks) -> bool:
        """Give all the locks, or none when another holder is in the way of one."""
        me = id(holder)
        for key, mode in locks:
            for other, held in self._holders.get(key, {}).items():
                if other != me and (held != mode or mode == "x"):
                    return False
        for key, mode in locks:
            holders = self._holders.setdefault(key, {})
            holders[me] = mode if holders.get(me, mode) == mode else "x"
            self._held.setdefault(me, []).append(key)
        return True

    def release(self, holder: object) -> None:
        """Take back everything a holder has."""
        for key in self._held.pop(id(holder), ()):
            self._holders.get(key, {}).pop(id(holder), None)
