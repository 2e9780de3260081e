"""Tuples on their way in: held against the model before they reach the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

import msgspec

from keystead.authz.engine.plan import Plan
from keystead.authz.errors import InvalidRelationship, WriteRefused
from keystead.authz.names import MAX_USER, WILDCARD, parse_object, parse_relation, parse_user, relationship, text_of
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship, RelationshipsRefused, WriteRelationships

TupleLike = Relationship | str
"""A tuple, or its text `order:17#owner@user:alice`."""


class Preconditions(msgspec.Struct, frozen=True):
    """What must be true for a write to happen at all, decided in the same transaction as the write."""

    must_exist: tuple[TupleLike, ...] = ()
    must_not_exist: tuple[TupleLike, ...] = ()


NO_PRECONDITIONS: Final = Preconditions()


class Target(Protocol):
    """Where tuples go: a store of a realm, under a model, at a time."""

    @property
    def plan(self) -> Plan:
        """The compiled model."""
        ...

    @property
    def realm(self) -> str:
        """The realm."""
        ...

    @property
    def store(self) -> str:
        """The store."""
        ...

    @property
    def foreign(self) -> frozenset[str]:
        """Types whose tuples are written elsewhere."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Tells the time."""
        ...


def to_write(
    target: Target,
    writes: Iterable[TupleLike],
    deletes: Iterable[TupleLike],
    preconditions: Preconditions,
    *,
    ignore_duplicates: bool,
    ignore_missing: bool,
) -> WriteRelationships:
    """Return the operation that writes tuples, once they are held against the model. Raises: InvalidRelationship."""
    writes, deletes = read_tuples(writes), read_tuples(deletes)
    for each in (*writes, *deletes):
        if target.foreign and parse_object(each.object)[0] in target.foreign:
            raise InvalidRelationship(f"{text_of(each)}: a shared fact; it is written at the server that keeps it")
    return WriteRelationships(
        target.realm,
        target.store,
        accepted_tuples(target.plan, writes),
        deletes,
        EpochSeconds(int(target.clock())),
        ignore_duplicates,
        ignore_missing,
        read_tuples(preconditions.must_exist),
        read_tuples(preconditions.must_not_exist),
    )


def read_tuples(tuples: Iterable[TupleLike]) -> tuple[Relationship, ...]:
    """Turn texts into tuples and refuse malformed ones. Raises: InvalidRelationship."""
    if isinstance(tuples, str):
        raise InvalidRelationship(f"{tuples[:MAX_USER]!r} is one text where a list of tuples belongs: write [...]")
    return tuple(relationship(each) if isinstance(each, str) else _well_formed(each) for each in tuples)


def accepted_tuples(plan: Plan, tuples: Iterable[TupleLike]) -> tuple[Relationship, ...]:
    """Do the same and refuse what the model does not allow. Raises: InvalidRelationship with the remedy."""
    read = read_tuples(tuples)
    for each in read:
        _require_accepted(plan, each)
    return read


def refused(outcome: RelationshipsRefused) -> WriteRefused:
    """Turn the store's refusal into the error to raise."""
    remedy = {
        "duplicate": "it is already there; pass ignore_duplicates=True if that is fine",
        "missing": "it is not there; pass ignore_missing=True if that is fine",
        "must_exist": "the precondition does not hold: read again and decide anew",
        "must_not_exist": "the precondition does not hold: read again and decide anew",
    }[outcome.why]
    return WriteRefused(outcome.why, text_of(outcome.which), remedy)


def _well_formed(tuple: Relationship) -> Relationship:
    if not isinstance(tuple, Relationship):
        raise InvalidRelationship(
            f"{type(tuple).__name__} is no tuple: write `order:17#owner@user:alice`, or `relationship(...)`"
        )
    parse_object(tuple.object)
    parse_relation(tuple.relation)
    parse_user(tuple.user)
    return tuple


def _require_accepted(plan: Plan, tuple: Relationship) -> None:
    type, _ = parse_object(tuple.object)
    slot = plan.slots.get((type, tuple.relation))
    if slot is None:
        raise InvalidRelationship(f"{text_of(tuple)}: the model defines no `{tuple.relation}` on type `{type}`")
    accepts, user = plan.accepts[slot], parse_user(tuple.user)
    accepted = accepts.allows(user.type, user.relation, user.id == WILDCARD, tuple.condition)
    if not accepted:
        relation = plan.model.relation(type, tuple.relation)
        allowed = ", ".join(str(restriction) for restriction in relation.restrictions) if relation else ""
        takes = f"takes [{allowed}]" if allowed else "is computed and takes no tuples"
        given = f" with {tuple.condition}" if tuple.condition else ""
        raise InvalidRelationship(f"{text_of(tuple)}{given}: `{type}#{tuple.relation}` {takes}")
    _require_context(plan, tuple)


def _require_context(plan: Plan, tuple: Relationship) -> None:
    """Hold what a tuple stores for its condition against the condition's parameters."""
    if not tuple.context:
        return
    if not tuple.condition:
        raise InvalidRelationship(f"{text_of(tuple)}: a context without a condition says nothing; name the condition")
    try:
        context = msgspec.json.decode(tuple.context, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        raise InvalidRelationship(f"{text_of(tuple)}: the context is not a JSON object") from None
    try:
        plan.conditions[tuple.condition].check_stored(context)
    except InvalidRelationship as refused:
        raise InvalidRelationship(f"{text_of(tuple)}: {refused}") from None
