"""Opening a database file: created private, refused with a remedy when it is not ours or cannot be used."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from keystead.core.errors import ConfigurationError, StorageUnavailable

APPLICATION_ID: Final = 0x4B455953  # "KEYS": how `file` and we recognise our databases
OLDEST_SQLITE: Final = (3, 37, 0)  # STRICT tables
OPENING_SECONDS: Final = 5.0
STATEMENTS: Final = 256
PAGE_CACHE_KIB: Final = 16_384
MAPPED_BYTES: Final = 256 * 1024 * 1024
WAL_PAGES: Final = 4000
WAL_BYTES_KEPT: Final = 64 * 1024 * 1024


def prepare_file(path: Path) -> None:
    """Create the file, readable by its owner only, unless it is there.

    Raises: ConfigurationError naming the path and what to do.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ConfigurationError(f"SQLite {sqlite3.sqlite_version} is too old; Keystead needs 3.37 or newer")
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"the directory {path.parent} does not exist; create it, owned by the user Keystead runs as, "
            "or name another file",
            where=str(path),
        )
    try:
        _create(path)
        _require_access(path)
    except OSError as error:
        raise ConfigurationError(
            f"the database cannot be opened for writing ({error.strerror}); give the user Keystead runs as "
            "write access to the file and its directory",
            where=str(path),
        ) from error


def _create(path: Path) -> None:
    """Create the file and make its name durable too, which SQLite does only for files it creates itself."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _require_access(path: Path) -> None:
    """Raise what opening the file for writing would raise.

    Does not: open it. Closing any descriptor of a file drops every POSIX lock this process has on it, and with it
    the locks of a store that is open already.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    for place in (path, path.parent):
        if not os.access(place, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection that never begins a transaction by itself.

    While it is being set up it waits for locks: another process may be recovering the log after a crash.
    """
    connection = sqlite3.connect(
        path, timeout=OPENING_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
    )
    connection.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KIB}")
    connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection on which a write is an error."""
    connection = connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def connect_writer(path: Path, deadline: float) -> sqlite3.Connection:
    """Open the writing connection: WAL, and durable the moment a commit returns.

    Raises: ConfigurationError when the file is something else; StorageUnavailable when it stays locked.
    """
    try:
        connection = connect(path)
        patiently(connection, "PRAGMA journal_mode = WAL", deadline)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise ConfigurationError(
            f"the file is not a Keystead database ({error}); name another file in `server.database`, "
            "or restore this one from a backup",
            where=str(path),
        ) from error
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS, where fsync alone does not reach the disk
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT}")
    connection.execute("PRAGMA busy_timeout = 0")  # from here on `patiently` waits
    return connection


def patiently(connection: sqlite3.Connection, statement: str, deadline: float) -> None:
    """Run a statement that needs a lock, trying again while another process holds it, until the deadline.

    SQLite's own busy handler is not used: its pauses grow to 100 ms, ours stay near the length of a commit.
    Raises: StorageUnavailable when the lock was not to be had.
    """
    pause = 0.0002
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            if time.monotonic() > deadline:
                raise StorageUnavailable("the database stayed locked by another process") from error
        else:
            return
        time.sleep(pause)
        pause = min(pause * 1.5, 0.004)


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether another connection is in the way, and trying again may help."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
