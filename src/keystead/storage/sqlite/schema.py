"""Numbered migrations: run by themselves at opening, under the database's own write lock, each exactly once.

Does not: go back. A database that a newer release has migrated is refused, not guessed at.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from importlib import resources
from typing import Final, NamedTuple

from keystead.core.errors import ConfigurationError
from keystead.storage.sqlite.opening import APPLICATION_ID, patiently

CREATE_MIGRATIONS: Final = """
CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT"""


class Migration(NamedTuple):
    """One numbered file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of its text, so that a file edited after its release is noticed."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def known_migrations() -> list[Migration]:
    """Read the migrations this release brings, in order."""
    folder = resources.files("keystead.storage.sqlite") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [Migration(int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text("utf-8")) for file in files]


def bring_up_to_date(
    connection: sqlite3.Connection, migrations: Sequence[Migration], where: str, deadline: float
) -> None:
    """Apply what is missing. Of several processes that open the file at once, one migrates and the others wait.

    Raises: ConfigurationError when the file is not ours, or newer than this release.
    """
    patiently(connection, "BEGIN IMMEDIATE", deadline)
    try:
        _require_ours(connection, where)
        connection.execute(CREATE_MIGRATIONS)
        applied = {row[0]: row[1:] for row in connection.execute("SELECT number, name, checksum FROM migrations")}
        _require_known(applied, migrations, where)
        for migration in migrations:
            if migration.number not in applied:
                _apply(connection, migration)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _require_ours(connection: sqlite3.Connection, where: str) -> None:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application_id == 0 and tables == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    elif application_id != APPLICATION_ID:
        raise ConfigurationError(
            "the file is an SQLite database of another program; name another file in `server.database`", where=where
        )


def _require_known(applied: dict[int, tuple[str, str]], migrations: Sequence[Migration], where: str) -> None:
    known = {migration.number: migration for migration in migrations}
    for number, (name, checksum) in applied.items():
        migration = known.get(number)
        if migration is None:
            raise ConfigurationError(
                f"a newer Keystead has migrated this database ({name}); run that release or a newer one, "
                "or restore the backup taken before it",
                where=where,
            )
        if migration.checksum != checksum:
            raise ConfigurationError(
                f"migration {name} is not the one this database was made with; install an unmodified release",
                where=where,
            )


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    """Run a migration statement by statement (`executescript` would commit first) and note that it ran."""
    statement = ""
    for line in migration.text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    connection.execute(
        "INSERT INTO migrations (number, name, checksum) VALUES (?, ?, ?)",
        (migration.number, migration.name, migration.checksum),
    )
