"""Random operations over a world small enough that they meet: few names, times around now, versions around current."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from keystead.core.values import EpochSeconds, Seconds
from keystead.storage import ports
from keystead.storage.ports import ReadOperation, Relationship, Rotate, Write, WriteOperation, get, look_at_family
from tests.contract.kinds import Person, Plain, Setting

Operations = st.SearchStrategy[Any]


def mixed(*operations: Operations) -> Operations:
    """Return one of the operations; naming one several times makes it likelier, which `one_of` would not."""
    return st.sampled_from(range(len(operations))).flatmap(operations.__getitem__)


realms = st.sampled_from(["a", "a", "a", "A"])
ids = st.sampled_from(["x", "x", "X"])
purposes = st.just("p")
names = st.sampled_from(["", "n", "é", "e\u0301"])
around_now = st.sampled_from([0, 0, 0, 0, -1, 1]).map(EpochSeconds)
soon = st.integers(-1, 3).map(EpochSeconds)
version_errors = st.sampled_from([0, 0, 0, 0, 1, -1])
limits = st.sampled_from([5, 5, 5, 1, 0])
kinds = st.sampled_from([Person, Setting, Plain])
several = st.lists(names, max_size=2).map(tuple)

record = {"realm": realms, "id": ids, "version": version_errors, "expires_at": st.one_of(st.none(), soon)}
records = st.one_of(
    st.builds(Person, **record, name=names, badges=several, town=names, tags=several),
    st.builds(Setting, **record, group=names, value=st.integers(0, 3)),
    st.builds(Plain, **record, value=st.integers(0, 3)),
)
indexes = st.sampled_from(
    [(Person, "name"), (Person, "badges"), (Person, "town"), (Person, "tags"), (Setting, "group")]
)

tuples = st.builds(
    Relationship,
    st.sampled_from(["d:1", "d:2", "d|1"]),
    st.sampled_from(["r", "s"]),
    st.sampled_from(["u:a", "u:A"]),
    st.sampled_from(["", "", "c"]),
    st.just(""),
    st.sampled_from([0, 0, 0, 1, 3]).map(EpochSeconds),
)
keys_of_tuples = st.sampled_from([("", "", ""), ("d:1", "r", "u:a"), ("d:1", "s", ""), ("d:2", "", "")])
some_tuples = st.lists(tuples, max_size=2).map(tuple)
perhaps_one = st.lists(tuples, max_size=1).map(tuple)
names_of_stores = st.sampled_from(["s", "s", "t"])

record_reads: Operations = mixed(
    st.builds(ports.Get, kinds, realms, ids, around_now),
    st.builds(ports.Find, kinds, realms, around_now, after=st.sampled_from(["", "X"]), limit=limits),
    st.builds(
        lambda index, *rest: ports.Find(index[0], rest[0], rest[1], index[1], *rest[2:]),
        indexes,
        realms,
        around_now,
        names,
        st.sampled_from(["", "", "X"]),
        limits,
    ),
)
record_writes: Operations = mixed(
    *[st.builds(ports.Put, records, around_now)] * 8,
    st.builds(ports.Remove, kinds, realms, ids),
)

one_time: Operations = mixed(
    st.builds(ports.Peek, realms, purposes, ids, around_now),
    st.builds(ports.Offer, realms, purposes, ids, st.binary(max_size=3), soon),
    st.builds(ports.Redeem, realms, purposes, ids, around_now),
    st.builds(ports.Claim, realms, purposes, ids, soon, around_now),
)

digests = st.sampled_from(["d1", "d2"])
bindings = st.sampled_from(["b", "b", "b", "b", "b", "c"])
generation_errors = st.sampled_from([0, 0, 0, 0, 0, -1, -1, -1, -2, 1])
windows = st.sampled_from([3, 2, 1, 0]).map(Seconds)
later = st.sampled_from([3, 5, 1]).map(EpochSeconds)
rotations = st.builds(
    Rotate, st.just("a"), ids, generation_errors, digests, digests, bindings, windows, later, around_now
)

families: Operations = mixed(
    st.builds(ports.LookAtFamily, st.just("a"), ids, around_now),
    st.builds(ports.StartFamily, st.just("a"), ids, digests, bindings, later, around_now),
    st.builds(ports.StartFamily, st.just("a"), ids, digests, bindings, later, around_now),
    *[rotations] * 12,
    st.builds(ports.RevokeFamily, st.just("a"), ids, around_now),
)

tuple_lists: Operations = mixed(
    st.builds(
        ports.ReadRelationships,
        realms,
        names_of_stores,
        st.sampled_from(["", "d:1", "d:", "d"]),
        st.sampled_from(["", "", "r"]),
        st.sampled_from(["", "", "u:a"]),
        st.one_of(st.none(), tuples),
        limits,
        st.sampled_from([0, 0, 1, -1]).map(EpochSeconds),
    )
)
relationship_reads: Operations = mixed(
    tuple_lists,
    st.builds(ports.StoredRelationships, tuple_lists),
    st.builds(ports.LoadRelationships, realms, names_of_stores, st.sampled_from(["", "", "d"]), keys_of_tuples, limits),
    st.builds(ports.RelationshipRevision, realms, names_of_stores),
    st.builds(ports.LookAtFeed, realms, names_of_stores),
    st.builds(
        ports.RelationshipChanges,
        realms,
        names_of_stores,
        st.integers(0, 5),
        limits,
        st.sampled_from(["", "", "d", "e"]),
        st.sampled_from([0, 0, 998, 1001]).map(EpochSeconds),
    ),
)
tuple_writes: Operations = st.builds(
    ports.WriteRelationships,
    realms,
    names_of_stores,
    some_tuples,
    some_tuples,
    around_now,
    st.booleans(),
    st.booleans(),
    perhaps_one,
    perhaps_one,
)
relationship_writes: Operations = mixed(
    *[tuple_writes] * 12,
    st.builds(ports.DropRelationships, realms, names_of_stores, limits),
)

outbox: Operations = mixed(
    st.builds(ports.ReadOutbox, st.sampled_from(["", "t"]), st.integers(0, 5), limits),
    st.builds(ports.Emit, realms, st.sampled_from(["t", "u"]), st.binary(max_size=3), around_now, soon),
)


def at(operation: Any, now: int) -> Any:
    """Return the operation with its times, which are relative, counted from `now`."""
    times: dict[str, Any] = {
        name: EpochSeconds(getattr(operation, name) + now)
        for name in ("now", "expires_at")
        if hasattr(operation, name) and getattr(operation, name) is not None
    }
    if isinstance(operation, ports.StoredRelationships):
        times["wanted"] = at(operation.wanted, now)
    if isinstance(operation, ports.ReadRelationships) and not operation.now:
        times["now"] = operation.now
    if isinstance(operation, ports.WriteRelationships):
        for some in ("writes", "deletes", "must_exist", "must_not_exist"):
            times[some] = tuple(at(each, now) if each.expires_at else each for each in getattr(operation, some))
    if isinstance(operation, ports.Put):
        times["record"] = at(operation.record, now)
    return msgspec.structs.replace(operation, **times)


def current(operation: ReadOperation | WriteOperation) -> Write[ReadOperation | WriteOperation]:
    """Return the operation with its version or generation, which is an error, added to the one that stands."""
    if isinstance(operation, ports.Put):
        record = operation.record
        standing = yield from get(type(record), record.realm, record.id, operation.now)
        version = max(0, (standing.version if standing else 0) + record.version)
        return ports.Put(msgspec.structs.replace(record, version=version), operation.now)
    if isinstance(operation, Rotate):
        family = yield from look_at_family(operation.realm, operation.family, operation.now)
        generation = (family.generation if family else 1) + operation.generation
        return msgspec.structs.replace(operation, generation=generation)
    return operation
