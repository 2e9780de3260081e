"""Opening an SQLite database: private, migrated, and refused with a remedy when it is not ours to use."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from keystead.core.errors import ConfigurationError, StorageUnavailable
from keystead.storage.migrations import Migration, known_migrations
from keystead.storage.ports import Redeemable, offer, peek
from keystead.storage.sqlite import open_store
from keystead.storage.sqlite.opening import connect_writer
from keystead.storage.sqlite.schema import bring_up_to_date
from tests.contract.kinds import LATER, NOW


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the database will be."""
    return tmp_path / "keystead.db"


async def touch(path: Path) -> None:
    """Open a store, write and close it."""
    store = open_store(str(path))
    await store.write(partial(offer, "acme", "code", "k", b"", LATER))
    await store.close()


async def test_files_are_private_and_stay(path: Path) -> None:
    """Readable by their owner only, the log beside the database too; what was written is there the next time."""
    store = open_store(str(path))
    await store.write(partial(offer, "acme", "code", "k", b"", LATER))
    files = list(path.parent.iterdir())
    assert {file.name for file in files} == {"keystead.db", "keystead.db-wal", "keystead.db-shm"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    await store.close()
    again = open_store(str(path))
    assert await again.read(peek("acme", "code", "k", NOW)) == Redeemable(b"")
    await again.close()


async def test_a_relative_path_and_odd_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is a path, whatever SQLite reads into its characters."""
    monkeypatch.chdir(path.parent)
    for name in ("plain.db", ":memory:", "file:x.db?mode=memory", "ü ñ%20.db"):
        await touch(Path(name))
        assert (path.parent / name).stat().st_size > 0


def test_a_missing_directory(tmp_path: Path) -> None:
    """Named, with what to do."""
    with pytest.raises(
        ConfigurationError, match=r"nowhere/keystead\.db: the directory .*nowhere does not exist; create"
    ):
        open_store(str(tmp_path / "nowhere" / "keystead.db"))


def test_a_directory_in_its_place(tmp_path: Path) -> None:
    """Not a file at all."""
    with pytest.raises(ConfigurationError, match="cannot be opened for writing"):
        open_store(str(tmp_path))


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_file_that_is_no_database(path: Path, content: bytes) -> None:
    """Refused and left as it is."""
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"keystead\.db: the file is not a Keystead database"):
        open_store(str(path))
    assert path.read_bytes() == content


def test_a_database_of_another_program(path: Path) -> None:
    """Refused and left without our tables."""
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(ConfigurationError, match="of another program"):
        open_store(str(path))
    assert tables(path) == {"theirs"}


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """Be nobody for a while when the tests run as root, whom no file mode stops; yields a folder nobody owns."""
    folder = Path(tempfile.mkdtemp())
    if os.geteuid() == 0:
        known_migrations("keystead.storage.sqlite")  # while the source can be read
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        if not os.access(Path(__file__).parent, os.X_OK, effective_ids=True):
            os.seteuid(0)
            shutil.rmtree(folder)
            pytest.skip("the clone is where only root can read: file modes cannot be tried as nobody")
    yield folder
    if os.getuid() == 0:
        os.seteuid(0)
    folder.chmod(0o700)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


async def test_a_file_or_directory_that_may_not_be_written(unprivileged: Path) -> None:
    """Named, with what to do, before anything half works."""
    path = unprivileged / "keystead.db"
    await touch(path)
    path.chmod(0o400)
    with pytest.raises(ConfigurationError, match=r"keystead\.db: .*Permission denied.*write access"):
        open_store(str(path))
    path.unlink()
    unprivileged.chmod(0o500)
    with pytest.raises(ConfigurationError, match=r"keystead\.db: .*Permission denied.*write access"):
        open_store(str(path))


async def test_a_database_from_the_future(path: Path) -> None:
    """A newer release has migrated it: refused, and told how to go on."""
    await touch(path)
    with sqlite3.connect(path) as raw:
        raw.execute("INSERT INTO migrations VALUES (9999, '9999_wonders', 'x')")
    raw.close()
    with pytest.raises(ConfigurationError, match=r"newer Keystead has migrated this database \(9999_wonders\); run"):
        open_store(str(path))


async def test_a_migration_changed_after_its_release(path: Path) -> None:
    """The checksum tells."""
    await touch(path)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE migrations SET checksum = 'x'")
    raw.close()
    with pytest.raises(ConfigurationError, match="not the one this database was made with"):
        open_store(str(path))


FIRST = known_migrations("keystead.storage.sqlite")
SECOND = Migration(
    9001,
    "9001_more",
    "-- a comment; with a semicolon\nCREATE TABLE more (\n  x TEXT\n);\nINSERT INTO more VALUES (';');\n",
)
BROKEN = Migration(9002, "9002_broken", "CREATE TABLE half (x);\nINSERT INTO nowhere VALUES (1);\n")


async def test_an_older_database_is_brought_up_to_date(path: Path) -> None:
    """Missing migrations run, once; what was there stays."""
    await touch(path)
    for _ in range(2):
        migrate(path, [*FIRST, SECOND])
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT x FROM more").fetchall() == [(";",)]
        assert raw.execute("SELECT count(*) FROM one_time").fetchone() == (1,)
    raw.close()


async def test_a_failing_migration_leaves_nothing_behind(path: Path) -> None:
    """All missing migrations run in one transaction: all of them, or the database as it was."""
    await touch(path)
    before = tables(path)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(path, [*FIRST, SECOND, BROKEN])
    assert tables(path) == before
    await touch_again(path)


async def touch_again(path: Path) -> None:
    """Open, read and close."""
    store = open_store(str(path))
    assert await store.read(peek("acme", "code", "k", NOW)) == Redeemable(b"")
    await store.close()


def migrate(path: Path, migrations: list[Migration]) -> None:
    """Bring a database to these migrations."""
    deadline = time.monotonic() + 40
    connection = connect_writer(path, deadline)
    try:
        bring_up_to_date(connection, migrations, str(path), deadline)
    finally:
        connection.close()


def tables(path: Path) -> set[str]:
    """List the tables of a database."""
    raw = sqlite3.connect(path)
    names = {row[0] for row in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    raw.close()
    return names


async def test_opening_waits_for_a_lock_but_not_for_ever(path: Path) -> None:
    """Another process that holds the write lock delays the opening; too long, and it is said."""
    await touch(path)
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    raw.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="locked"):
        open_store(str(path), lock_seconds=0.1)
    opening = asyncio.create_task(asyncio.to_thread(open_store, str(path)))
    await asyncio.sleep(0.2)
    assert not opening.done()
    raw.execute("COMMIT")
    await (await opening).close()
    raw.close()
