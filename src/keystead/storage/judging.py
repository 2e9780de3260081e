"""What a write of tuples changes, judged against the tuples that stand: the rules of the contract, without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship, RelationshipsRefused, TupleKey, WriteRelationships

Change = tuple[str, Relationship]
"""`write` or `delete`, and what. All deletes of a write come before the writes of the same keys."""


def key_of(relationship: Relationship) -> TupleKey:
    """Return what no two tuples of a store share."""
    return relationship.object, relationship.relation, relationship.user


def type_of(object: str) -> str:
    """Return the type of an object, by which changes are found."""
    return object.partition(":")[0]


def has_expired(relationship: Relationship, now: EpochSeconds) -> bool:
    """Whether a tuple counts no longer."""
    return 0 < relationship.expires_at <= now


def keys_of(operation: WriteRelationships) -> list[TupleKey]:
    """Return the keys a write asks about, each once."""
    named = (operation.must_exist, operation.must_not_exist, operation.deletes, operation.writes)
    return list(dict.fromkeys(key_of(each) for some in named for each in some))


def judge(
    operation: WriteRelationships, standing: Mapping[TupleKey, Relationship]
) -> list[Change] | RelationshipsRefused:
    """Return the changes to make, in order, or the first reason not to make any.

    `standing` is what is stored under the keys, expired tuples too: one of these makes way for a new one.
    """
    now = operation.now
    live = {key: stored for key, stored in standing.items() if not has_expired(stored, now)}
    refused = _preconditions(operation, live)
    if refused is not None:
        return refused
    changes: list[Change] = []
    for going in operation.deletes:
        found = live.pop(key_of(going), None)
        if found is not None:
            changes.append(("delete", found))
        elif not operation.ignore_missing:
            return RelationshipsRefused("missing", going)
    rubbish = {key: stored for key, stored in standing.items() if has_expired(stored, now)}
    for coming in operation.writes:
        key = key_of(coming)
        found = live.get(key)
        if found is None:
            if key in rubbish:
                changes.append(("delete", rubbish.pop(key)))
            live[key] = coming
            changes.append(("write", coming))
        elif found != coming or not operation.ignore_duplicates:
            return RelationshipsRefused("duplicate", coming)
    return changes


def _preconditions(operation: WriteRelationships, live: Mapping[TupleKey, Relationship]) -> RelationshipsRefused | None:
    missing = _first(each for each in operation.must_exist if key_of(each) not in live)
    if missing is not None:
        return RelationshipsRefused("must_exist", missing)
    unwanted = _first(each for each in operation.must_not_exist if key_of(each) in live)
    return RelationshipsRefused("must_not_exist", unwanted) if unwanted is not None else None


def _first(found: Iterable[Relationship]) -> Relationship | None:
    return next(iter(found), None)
