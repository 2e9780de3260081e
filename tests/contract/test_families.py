"""The refresh rule, case by case, on every backend."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

import msgspec
import pytest

from keystead.core.errors import VersionConflict
from keystead.core.values import EpochSeconds, Seconds
from keystead.storage.ports import (
    FamilyView,
    Replaced,
    Reused,
    Rotate,
    Rotated,
    StartFamily,
    Store,
    Superseded,
    WrongBinding,
    look_at_family,
    revoke_family,
    rotate,
    start_family,
)
from tests.contract.kinds import NOW

WINDOW: Final = Seconds(30)
END: Final = EpochSeconds(NOW + 10_000)
START: Final = StartFamily("acme", "f", "d1", "client|key", END, NOW)

Outcome = Rotated | Replaced | Superseded | Reused | WrongBinding | None


def offered(digest: str, generation: int, successor: str, at: int = 0, binding: str = "client|key") -> Rotate:
    """Return an offer of a member, `at` seconds after the start."""
    now = EpochSeconds(NOW + at)
    return Rotate("acme", "f", generation, digest, successor, binding, WINDOW, END, now)


async def play(store: Store, *offers: Rotate) -> list[Outcome]:
    """Start a family and offer members one after another."""
    await store.write(partial(start_family, START))
    return [await store.write(partial(rotate, offer)) for offer in offers]


async def view(store: Store, at: int = 0) -> FamilyView | None:
    """Look at the family."""
    return await store.read(look_at_family("acme", "f", EpochSeconds(NOW + at)))


def standing(generation: int, digest: str, *, revoked: bool = False) -> FamilyView:
    """Return what must stand in the row."""
    return FamilyView(generation, digest, "client|key", revoked, END)


async def test_the_live_member_rotates(store: Store) -> None:
    """Each live member buys exactly the next."""
    assert await play(store, offered("d1", 1, "d2"), offered("d2", 2, "d3")) == [Rotated(2), Rotated(3)]
    assert await view(store) == standing(3, "d3")


async def test_a_retry_of_the_predecessor_replaces_the_unused_successor(store: Store) -> None:
    """The client that lost the answer asks again and gets another; the lost one is dead, the family lives."""
    assert await play(
        store,
        offered("d1", 1, "d2"),
        offered("d1", 1, "d2b", at=10),
        offered("d1", 1, "d2c", at=29),
        offered("d2", 2, "d3", at=29),
        offered("d2b", 2, "d3", at=29),
        offered("d2c", 2, "d3", at=5000),
    ) == [Rotated(2), Replaced(2), Replaced(2), Superseded(), Superseded(), Rotated(3)]
    assert await view(store) == standing(3, "d3")


async def test_the_window_is_counted_from_the_rotation_and_ends(store: Store) -> None:
    """A replacement does not open a new window; at its end the predecessor is a replay."""
    assert await play(
        store, offered("d1", 1, "d2"), offered("d1", 1, "d2b", at=29), offered("d1", 1, "d2c", at=30)
    ) == [Rotated(2), Replaced(2), Reused(first=True)]
    assert await view(store) == standing(2, "d2b", revoked=True)


async def test_no_window_no_retry(store: Store) -> None:
    """With a window of nothing every reuse is a replay."""
    retry = msgspec.structs.replace(offered("d1", 1, "d2b"), retry_window=Seconds(0))
    assert await play(store, offered("d1", 1, "d2"), retry) == [Rotated(2), Reused(first=True)]


async def test_a_used_successor_makes_the_retry_a_replay(store: Store) -> None:
    """Within the window too: once the successor was used, its predecessor coming back means two holders."""
    assert await play(store, offered("d1", 1, "d2"), offered("d2", 2, "d3"), offered("d1", 1, "x")) == [
        Rotated(2),
        Rotated(3),
        Reused(first=True),
    ]
    assert await view(store) == standing(3, "d3", revoked=True)


async def test_a_replaced_sibling_of_the_predecessor_is_a_replay(store: Store) -> None:
    """d2 was replaced by d2b, d2b was used: d2 coming now is not the predecessor that is remembered."""
    assert await play(
        store,
        offered("d1", 1, "d2"),
        offered("d1", 1, "d2b"),
        offered("d2b", 2, "d3"),
        offered("d2", 2, "x"),
    ) == [Rotated(2), Replaced(2), Rotated(3), Reused(first=True)]


@pytest.mark.parametrize("late", [("d1", 1), ("d2", 2), ("d3", 3), ("other", 3), ("d1", 7)])
async def test_a_revoked_family_stays_revoked(store: Store, late: tuple[str, int]) -> None:
    """Whatever is offered afterwards, live member included."""
    *_, first, second = await play(
        store,
        offered("d1", 1, "d2"),
        offered("d2", 2, "d3"),
        offered("d1", 1, "x"),
        offered(*late, "x"),
    )
    assert (first, second) == (Reused(first=True), Reused(first=False))
    assert await view(store) == standing(3, "d3", revoked=True)


@pytest.mark.parametrize(
    ("digest", "generation", "outcome"),
    [
        ("d2x", 2, Superseded()),  # a bit of the digest changed
        ("d1x", 1, Reused(first=True)),  # the predecessor's generation, another digest
        ("d2", 1, Reused(first=True)),  # the live digest under the generation before
        ("d1", 2, Superseded()),  # the predecessor's digest under the live generation
        ("d2", 3, Reused(first=True)),  # a generation this database has not reached: it was restored
        ("d1", 0, Reused(first=True)),
    ],
)
async def test_digest_and_generation_must_both_be_right(
    store: Store, digest: str, generation: int, outcome: Outcome
) -> None:
    """Only the exact live member rotates."""
    _, outcome_now = await play(store, offered("d1", 1, "d2"), offered(digest, generation, "x"))
    assert outcome_now == outcome
    assert await view(store) == standing(2, "d2", revoked=isinstance(outcome, Reused))


@pytest.mark.parametrize("member", [("d1", 1), ("d2", 2), ("d0", 0)])
async def test_another_binding_changes_nothing(store: Store, member: tuple[str, int]) -> None:
    """Another client's or key's offer neither rotates, nor replaces, nor revokes."""
    _, refused = await play(store, offered("d1", 1, "d2"), offered(*member, "x", binding="thief"))
    assert refused == WrongBinding()
    assert await view(store) == standing(2, "d2")


async def test_an_expired_family_is_nothing(store: Store) -> None:
    """From `expires_at` on; rotation moves that time."""
    early = EpochSeconds(NOW + 100)
    short = msgspec.structs.replace(offered("d1", 1, "d2"), expires_at=early)
    await play(store, short)
    assert (await view(store, at=99)) == msgspec.structs.replace(standing(2, "d2"), expires_at=early)
    assert await view(store, at=100) is None
    assert await store.write(partial(rotate, offered("d2", 2, "x", at=100))) is None
    assert not await store.write(partial(revoke_family, "acme", "f", early))
    assert await store.write(partial(rotate, offered("d2", 2, "d3", at=99))) == Rotated(3)
    assert await view(store, at=100) == standing(3, "d3")


async def test_revoking_a_family(store: Store) -> None:
    """Once it is true, then false, and everything offered is refused."""
    await play(store)
    assert await store.write(partial(revoke_family, "acme", "f", NOW))
    assert not await store.write(partial(revoke_family, "acme", "f", NOW))
    assert not await store.write(partial(revoke_family, "acme", "unknown", NOW))
    assert await store.write(partial(rotate, offered("d1", 1, "d2"))) == Reused(first=False)


async def test_families_belong_to_realms(store: Store) -> None:
    """The same family id in another realm is another family, and none where it was not started."""
    await play(store)
    elsewhere = msgspec.structs.replace(offered("d1", 1, "d2"), realm="other")
    assert await store.write(partial(rotate, elsewhere)) is None
    await store.write(partial(start_family, msgspec.structs.replace(START, realm="other")))
    assert await store.write(partial(rotate, elsewhere)) == Rotated(2)
    assert await view(store) == standing(1, "d1")
    with pytest.raises(VersionConflict):
        await store.write(partial(start_family, START))


async def test_a_clock_that_jumps_back_revives_nothing(store: Store) -> None:
    """Generations are counters: an hour back, a spent member is still spent."""
    await play(store, offered("d1", 1, "d2"), offered("d2", 2, "d3"))
    assert await store.write(partial(rotate, offered("d1", 1, "x", at=-3600))) == Reused(first=True)


async def test_64_offers_of_one_member_leave_one_live_successor(store: Store) -> None:
    """Concurrent retries: one rotation, the others replace, and only the last successor lives."""
    await store.write(partial(start_family, START))
    outcomes = await asyncio.gather(
        *(store.write(partial(rotate, offered("d1", 1, f"s{number}"))) for number in range(64))
    )
    assert outcomes.count(Rotated(2)) == 1
    assert outcomes.count(Replaced(2)) == 63
    seen = await view(store)
    assert seen is not None
    again = await asyncio.gather(
        *(store.write(partial(rotate, offered(f"s{number}", 2, f"t{number}"))) for number in range(64))
    )
    assert again.count(Rotated(3)) == 1
    assert again[int(seen.digest[1:])] == Rotated(3)
