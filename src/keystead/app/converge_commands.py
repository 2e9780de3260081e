"""What `keystead plan`, `apply` and `export` do to a database, beside running servers or without any."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from keystead.app.composition import load_sealer
from keystead.app.convergence import Change, apply, plan
from keystead.app.convergence.exported import export_realm
from keystead.app.issuer_process import issuer_configuration
from keystead.app.settings import Settings
from keystead.app.stores import open_store
from keystead.core.values import EpochSeconds
from keystead.identity.passwords import Argon2Passwords
from keystead.storage.ports import Store


async def plan_file(settings: Settings, path: Path, *, prune: bool) -> list[Change]:
    """Return what applying the file would change."""
    async with _store(settings, path) as store:
        return await plan(store, settings, load_sealer(issuer_configuration(settings, path)), _now(), prune=prune)


async def apply_file(settings: Settings, path: Path, *, prune: bool) -> list[Change]:
    """Apply the file and return what changed."""
    passwords = Argon2Passwords()
    try:
        async with _store(settings, path) as store:
            sealer = load_sealer(issuer_configuration(settings, path))
            return await apply(store, settings, sealer, passwords, _now(), prune=prune)
    finally:
        passwords.close()


async def export_file(settings: Settings, path: Path) -> dict[str, Any]:
    """Return the `realms` section that would make the records that are there, without secrets."""
    async with _store(settings, path) as store:
        return {realm: await store.read(export_realm(realm, _now())) for realm in settings.realms}


@asynccontextmanager
async def _store(settings: Settings, path: Path) -> AsyncIterator[Store]:
    configuration = issuer_configuration(settings, path)
    store = open_store(configuration.database, configuration.directory)
    try:
        yield store
    finally:
        await store.close()


def _now() -> EpochSeconds:
    return EpochSeconds(int(time.time()))
