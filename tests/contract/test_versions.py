"""A number that tells for nearly nothing whether anybody committed anything: never the same after a commit."""

from __future__ import annotations

from pathlib import Path

from keystead.storage.memory import MemoryStore
from keystead.storage.ports import relationship_revision
from keystead.storage.sqlite import open_store
from tests.contract.backends import location
from tests.contract.test_relationships import ALICE, BOB, CAROL, write


async def test_another_process_commits(tmp_path: Path) -> None:
    """Two stores on one file are two processes as far as SQLite goes."""
    one, other = open_store(location(tmp_path)), open_store(location(tmp_path))
    probe = one.probe()
    before = one.version(), probe()
    assert (one.version(), probe()) == before
    await write(other, (ALICE,))
    between = one.version(), probe()
    assert all(new != old for new, old in zip(between, before, strict=True))
    await write(one, (BOB,))
    assert one.version() != between[0]
    assert probe() != between[1]
    await one.close()
    await other.close()


async def test_a_held_snapshot_has_the_version_of_what_it_shows(tmp_path: Path) -> None:
    """Else whoever reads the version first would take an old state for the newest."""
    one, other = open_store(location(tmp_path)), open_store(location(tmp_path))
    await write(other, (ALICE,))
    one.hold()
    assert await one.read(relationship_revision("acme", "shop")) == 1
    held = one.version()
    await write(other, (BOB,))
    assert await one.read(relationship_revision("acme", "shop")) == 1
    assert one.version() == held
    one.release()
    assert one.version() != held
    assert await one.read(relationship_revision("acme", "shop")) == 2
    await one.close()
    await other.close()


async def test_memory_counts_its_writes() -> None:
    """Sweeping included: an expired tuple becomes a change."""
    store = MemoryStore()
    before = store.version()
    await write(store, (CAROL,))
    assert store.version() != before
    swept = store.version()
    await store.sweep(CAROL.expires_at)
    assert store.version() != swept
