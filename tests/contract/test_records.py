"""Records: versions, indexes, expiry, realms, and identifiers compared byte by byte."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TypeVar

import msgspec
import pytest

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds
from keystead.storage.ports import MAX_PAGE, Conflict, Store, Stored, Write, find, get, put, remove
from tests.contract.kinds import LATER, NOW, Person, Plain, Setting

R = TypeVar("R", bound=Record)


async def test_a_record_comes_back_as_it_was(store: Store) -> None:
    """Every field survives, and the version says that it is stored."""
    ada = Person(realm="acme", id="p1", name="ada", badges=("b1",), tags=("x", "y"), note='ü"\0', sealed=b"\xff\0")
    outcome = await store.write(lambda: put(ada, NOW))
    assert outcome == Stored(msgspec.structs.replace(ada, version=1))
    assert await store.read(get(Person, "acme", "p1", NOW)) == msgspec.structs.replace(ada, version=1)


async def test_put_demands_the_version_that_was_read(store: Store) -> None:
    """A new record must be new, a changed one unchanged since it was read."""
    assert await store.write(lambda: put(Plain(realm="acme", id="x", version=1), NOW)) == Conflict()
    first = await _stored(store, Plain(realm="acme", id="x", value=1))
    assert await store.write(lambda: put(Plain(realm="acme", id="x", value=2), NOW)) == Conflict()
    second = await _stored(store, msgspec.structs.replace(first, value=2))
    assert second.version == 2
    assert await store.write(lambda: put(msgspec.structs.replace(first, value=3), NOW)) == Conflict()
    assert await store.read(get(Plain, "acme", "x", NOW)) == second


async def test_one_of_64_concurrent_updates_wins(store: Store) -> None:
    """Everybody read version 1; one write is taken, the others are told."""
    first = await _stored(store, Person(realm="acme", id="x"))
    outcomes = await asyncio.gather(
        *(store.write(partial(put, msgspec.structs.replace(first, note=str(n)), NOW)) for n in range(64))
    )
    assert sum(isinstance(outcome, Stored) for outcome in outcomes) == 1
    assert outcomes.count(Conflict()) == 63


async def test_unique_index_belongs_to_one(store: Store) -> None:
    """Two records of a realm and kind never share a value, whether created with it or changed to it."""
    ada = await _stored(store, Person(realm="acme", id="p1", name="ada", badges=("b1", "b2")))
    bob = await _stored(store, Person(realm="acme", id="p2", name="bob"))
    for intruder, index in (
        (Person(realm="acme", id="p3", name="ada"), "name"),
        (Person(realm="acme", id="p3", badges=("b0", "b2")), "badges"),
        (msgspec.structs.replace(bob, name="ada"), "name"),
        (msgspec.structs.replace(bob, badges=("b1",)), "badges"),
    ):
        assert await store.write(partial(put, intruder, NOW)) == Conflict(index)
    assert await store.read(get(Person, "acme", "p3", NOW)) is None
    assert await store.read(get(Person, "acme", "p2", NOW)) == bob
    assert await store.read(find(Person, "acme", NOW, index="badges", value="b0")) == []
    renamed = await _stored(store, msgspec.structs.replace(ada, name="lovelace", badges=("b2",)))
    await _stored(store, msgspec.structs.replace(bob, name="ada", badges=("b1",)))
    assert await store.read(find(Person, "acme", NOW, index="name", value="lovelace")) == [renamed]
    assert await store.write(partial(put, Person(realm="other", id="p1", name="ada"), NOW)) != Conflict("name")


async def test_one_of_64_concurrent_newcomers_gets_the_name(store: Store) -> None:
    """A unique value raced for by different ids goes to exactly one of them."""
    people = [Person(realm="acme", id=f"p{n}", name="ada") for n in range(64)]
    outcomes = await asyncio.gather(*(store.write(partial(put, person, NOW)) for person in people))
    assert sum(isinstance(outcome, Stored) for outcome in outcomes) == 1
    assert outcomes.count(Conflict("name")) == 63
    assert len(await store.read(find(Person, "acme", NOW))) == 1


async def test_empty_texts_are_not_indexed(store: Store) -> None:
    """Any number of records may leave a unique field empty."""
    await _stored(store, Person(realm="acme", id="p1", badges=("",)))
    await _stored(store, Person(realm="acme", id="p2", badges=("",)))
    assert await store.read(find(Person, "acme", NOW, index="name", value="")) == []


async def test_find_by_index_follows_every_change(store: Store) -> None:
    """An index entry comes, moves and goes with its record."""
    ada = await _stored(store, Person(realm="acme", id="p1", town="london", tags=("x", "y", "x")))
    assert await store.read(find(Person, "acme", NOW, index="tags", value="x")) == [ada]
    moved = await _stored(store, msgspec.structs.replace(ada, town="paris", tags=("y", "z")))
    for index, value, expected in (
        ("town", "london", []),
        ("town", "paris", [moved]),
        ("tags", "x", []),
        ("tags", "y", [moved]),
        ("tags", "z", [moved]),
    ):
        assert await store.read(find(Person, "acme", NOW, index=index, value=value)) == expected
    assert await store.write(lambda: remove(Person, "acme", "p1"))
    assert not await store.write(lambda: remove(Person, "acme", "p1"))
    assert await store.read(find(Person, "acme", NOW, index="town", value="paris")) == []
    assert await store.read(get(Person, "acme", "p1", NOW)) is None


async def test_find_pages_in_id_order(store: Store) -> None:
    """Ids are ordered by their bytes; `after` and `limit` page through them."""
    ids = sorted(["a", "B", "b", "é", "z", "aa", "𝔸", "\ufffd"], key=str.encode)

    def fill() -> Write[None]:
        for id in reversed(ids):
            yield from put(Person(realm="acme", id=id, town="london"), NOW)

    await store.write(fill)
    for index, value in (("", ""), ("town", "london")):
        found: list[str] = []
        while page := await store.read(
            find(Person, "acme", NOW, index=index, value=value, after=found[-1] if found else "", limit=3)
        ):
            assert len(page) <= 3
            found += [person.id for person in page]
        assert found == ids


async def test_a_list_is_never_longer_than_a_page(store: Store) -> None:
    """No limit, not even a negative one, gets more than a page."""

    def fill() -> Write[None]:
        for number in range(MAX_PAGE + 5):
            yield from put(Plain(realm="acme", id=f"{number:06}"), NOW)

    await store.write(fill)
    assert len(await store.read(find(Plain, "acme", NOW, limit=10 * MAX_PAGE))) == MAX_PAGE
    assert await store.read(find(Plain, "acme", NOW, limit=-1)) == []


@pytest.mark.parametrize("kind", [Person, Setting])
async def test_expired_is_gone_before_the_sweeper_comes(store: Store, kind: type[Person] | type[Setting]) -> None:
    """From `expires_at` on a record is not found, cannot be changed, and its place and names are free."""
    record = await _stored(store, kind(realm="acme", id="p1", expires_at=LATER))
    assert await store.read(get(kind, "acme", "p1", EpochSeconds(LATER - 1))) == record
    assert await store.read(find(kind, "acme", EpochSeconds(LATER - 1))) == [record]
    assert await store.read(get(kind, "acme", "p1", LATER)) is None
    assert await store.read(find(kind, "acme", LATER)) == []
    assert await store.read(find(kind, "acme", EpochSeconds(LATER - 1))) == [record]
    assert await store.write(lambda: put(record, LATER)) == Conflict()
    again = await store.write(lambda: put(kind(realm="acme", id="p1", expires_at=EpochSeconds(LATER + 60)), LATER))
    assert isinstance(again, Stored)
    assert again.record.version == 1
    assert await store.read(get(kind, "acme", "p1", LATER)) == again.record


async def test_an_expired_holder_gives_up_its_name(store: Store) -> None:
    """A unique value held by an expired record can be taken by another id, new or old."""
    for holder, newcomer in (("p1", "p2"), ("p3", "p4")):
        await _stored(store, Person(realm="acme", id=holder, name="ada", town="london", expires_at=LATER))
        assert await store.write(partial(put, Person(realm="acme", id=newcomer, name="ada"), NOW)) == Conflict("name")
        plain = await _stored(store, Person(realm="acme", id=newcomer))
        taken = await store.write(partial(put, msgspec.structs.replace(plain, name="ada"), LATER))
        assert isinstance(taken, Stored)
        assert await store.read(find(Person, "acme", LATER, index="name", value="ada")) == [taken.record]
        assert await store.read(find(Person, "acme", LATER, index="town", value="london")) == []
        assert await store.write(partial(remove, Person, "acme", newcomer))


async def test_realms_do_not_see_each_other(store: Store) -> None:
    """The same ids and unique values live side by side in two realms, and go one by one."""
    for realm in ("acme", "other"):
        await _stored(store, Person(realm=realm, id="p1", name="ada", town="london", note=realm))
    await store.write(lambda: remove(Person, "acme", "p1"))
    assert await store.read(get(Person, "acme", "p1", NOW)) is None
    assert await store.read(find(Person, "acme", NOW, index="name", value="ada")) == []
    (left,) = await store.read(find(Person, "other", NOW, index="town", value="london"))
    assert (left.realm, left.note) == ("other", "other")


async def test_kinds_do_not_see_each_other(store: Store) -> None:
    """The kind is part of the key."""
    await _stored(store, Plain(realm="acme", id="x"))
    assert await store.read(get(Setting, "acme", "x", NOW)) is None
    assert not await store.write(lambda: remove(Setting, "acme", "x"))


LOOK_ALIKES = ("Alice", "alice", "ALICE", "alice ", "é", "e\u0301", "\u212b", "\u00c5", "ﬁ", "fi", "1", "01", "%", "_")


async def test_identifiers_compare_bytewise(store: Store) -> None:
    """Case, spaces, unicode forms and wildcards make different identifiers, as ids and as unique values."""
    for text in LOOK_ALIKES:
        await _stored(store, Person(realm="acme", id=text, name=text))
    for text in LOOK_ALIKES:
        record = await store.read(get(Person, "acme", text, NOW))
        assert record is not None
        assert record.id == text
        assert await store.read(find(Person, "acme", NOW, index="name", value=text)) == [record]
        await _stored(store, Person(realm=text, id="x"))
    assert await store.read(get(Person, "aLICE", "x", NOW)) is None


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_a_text_no_database_can_hold_names_nothing(store: Store, text: str) -> None:
    """NUL and half surrogates are refused when written, and find nothing when read."""
    assert await store.read(get(Person, "acme", text, NOW)) is None
    assert await store.read(get(Person, text, "x", NOW)) is None
    assert await store.read(find(Person, "acme", NOW, index="name", value=text)) == []
    for record in (
        Person(realm="acme", id=text),
        Person(realm=text, id="x"),
        Person(realm="acme", id="x", name=text),
        Person(realm="acme", id="x", tags=(text,)),
    ):
        with pytest.raises(ValueError, match=r"NUL|surrogate"):
            await store.write(partial(put, record, NOW))
    await _stored(store, Person(realm="acme", id="x"))


async def test_an_undeclared_index_is_refused(store: Store) -> None:
    """A look-up by a field without index is a mistake, not a slow scan."""
    with pytest.raises(ValueError, match="note"):
        await store.read(find(Person, "acme", NOW, index="note", value="x"))


async def _stored(store: Store, record: R) -> R:
    outcome = await store.write(lambda: put(record, NOW))
    assert isinstance(outcome, Stored)
    return outcome.record
