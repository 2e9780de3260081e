"""Which database a test's issuer has: SQLite, or PostgreSQL with a schema of its own.

`KEYSTEAD_TEST_DATABASE=postgres` gives PostgreSQL to every test that does not choose.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from keystead.app.key_encryption_key import load_or_make_key
from keystead.storage.ports import Store
from keystead.storage.sqlite import open_store
from tests.harness.postgres import schema_for

SQLITE: Final = "sqlite"
POSTGRES: Final = "postgres"
DATABASES: Final = (SQLITE, POSTGRES)


def usual() -> str:
    """Return the database of tests that do not choose."""
    return os.environ.get("KEYSTEAD_TEST_DATABASE", SQLITE)


def server_settings(database: str, directory: Path) -> dict[str, Any]:
    """Return what the `server` section says about a fresh database of a test."""
    if database == SQLITE:
        return {"database": "sqlite:///keystead.db"}
    load_or_make_key(directory / "kek")
    return {"database": schema_for(str(directory / "issuer")), "key_encryption_key": "file:kek"}


def usual_store(directory: Path, name: str = "keystead.db") -> Store:
    """Open a store of the usual kind."""
    if usual() == SQLITE:
        return open_store(str(directory / name))
    from keystead.storage.postgres.store import open_store as open_postgres

    return open_postgres(schema_for(str(directory / name)))
