"""Numbered migrations: run by themselves at opening, under the database's own write lock, each exactly once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from keystead.core.errors import ConfigurationError
from keystead.storage.migrations import KNOWN, Migration, require_known
from keystead.storage.sqlite.opening import APPLICATION_ID, patiently

CREATE_MIGRATIONS: Final = """
CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT"""


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
        applied = {row[0]: row[1:] for row in connection.execute(KNOWN)}
        require_known(applied, migrations, where)
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
