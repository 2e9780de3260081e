"""Migrations: run by themselves at opening, under the lock every writer takes, all of them or none.

Several nodes that start at once wait for the one that migrates; nodes that are running wait too, and go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import asyncpg

from keystead.core.errors import ConfigurationError
from keystead.storage.migrations import KNOWN, Migration, known_migrations, require_known
from keystead.storage.postgres.link import Link

PACKAGE: Final = "keystead.storage.postgres"

BEGIN: Final = "BEGIN; SELECT pg_advisory_xact_lock(1262836051, hashtext(current_schema()))"
"""Begins a transaction that no other node's overlaps. The numbers: `KEYS` in ASCII, and the schema, so that several
installations may share a database."""

CREATE_MIGRATIONS: Final = """
CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)"""


async def bring_up_to_date(link: Link, where: str, migrations: Sequence[Migration] = ()) -> None:
    """Apply what is missing.

    Raises: ConfigurationError when the schema is not ours, not writable, or newer than this release.
    """
    await link.script(BEGIN)
    try:
        await _migrate(link, where, migrations or known_migrations(PACKAGE))
    except asyncpg.DuplicateTableError as error:
        raise ConfigurationError(
            f"{where}: {error}: the schema holds tables of another program; give Keystead a database of its own",
            where="server.database",
        ) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(
            f"{where}: {error}; make the role Keystead connects as the owner of the database or of its schema",
            where="server.database",
        ) from error
    await link.script("COMMIT")


async def _migrate(link: Link, where: str, migrations: Sequence[Migration]) -> None:
    there = await link.row("SELECT to_regclass(quote_ident(current_schema()) || '.migrations') IS NOT NULL")
    if not there[0]:
        await link.script(CREATE_MIGRATIONS)
    rows = (await link.run([(KNOWN, ())]))[0]
    applied = {row[0]: (row[1], row[2]) for row in rows}
    require_known(applied, migrations, where)
    for migration in migrations:
        if migration.number not in applied:
            await link.long_script(migration.text)
            note = "INSERT INTO migrations (number, name, checksum) VALUES (?, ?, ?)"
            await link.run([(note, (migration.number, migration.name, migration.checksum))])
