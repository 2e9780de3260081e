"""The database of a configuration file, opened for one command, beside running servers or without any."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from keystead.app.issuer_process import issuer_configuration
from keystead.app.sealed_store import open_sealed_store, require_same_key
from keystead.app.settings import Settings
from keystead.app.stores import MEMORY, sqlite_path
from keystead.core.sealing import Sealer
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Store


@asynccontextmanager
async def open_database(settings: Settings, path: Path, *, make: bool = True) -> AsyncIterator[tuple[Store, Sealer]]:
    """Give the store and its sealer, and let go of them afterwards.

    A database that is not there yet is made, with its key; without `make` an empty one in memory stands in for it.
    Raises: ConfigurationError, StorageUnavailable.
    """
    where = issuer_configuration(settings, path)
    file = sqlite_path(where.database, where.directory)
    if make or file is None or file.exists():
        store, sealer = open_sealed_store(where.database, where.directory, where.key_encryption_key)
    else:
        store, sealer = open_sealed_store(f"{MEMORY}//", where.directory)
    try:
        await require_same_key(store, sealer, EpochSeconds(int(time.time())))
        yield store, sealer
    finally:
        await store.close()
