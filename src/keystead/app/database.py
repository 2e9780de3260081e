"""The database of a configuration file, opened for one command, beside running servers or without any."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from keystead.app.issuer_process import issuer_configuration
from keystead.app.sealed_store import open_sealed_store, require_same_key
from keystead.app.settings import Settings
from keystead.core.sealing import Sealer
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Store


@asynccontextmanager
async def open_database(settings: Settings, path: Path) -> AsyncIterator[tuple[Store, Sealer]]:
    """Give the store and its sealer, and let go of them afterwards.

    Raises: ConfigurationError, StorageUnavailable.
    """
    where = issuer_configuration(settings, path)
    store, sealer = open_sealed_store(where.database, where.directory, where.key_encryption_key)
    try:
        await require_same_key(store, sealer, EpochSeconds(int(time.time())))
        yield store, sealer
    finally:
        await store.close()
