"""What `keystead plan`, `apply` and `export` do to a database, beside running servers or without any."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from keystead.app.convergence import Change, apply, plan
from keystead.app.convergence.exported import export_realm
from keystead.app.database import open_database
from keystead.app.settings import Settings
from keystead.core.values import EpochSeconds
from keystead.identity.passwords import Argon2Passwords


async def plan_file(settings: Settings, path: Path, *, prune: bool) -> list[Change]:
    """Return what applying the file would change."""
    async with open_database(settings, path, make=False) as (store, sealer):
        return await plan(store, settings, sealer, _now(), prune=prune)


async def apply_file(settings: Settings, path: Path, *, prune: bool) -> list[Change]:
    """Apply the file and return what changed."""
    passwords = Argon2Passwords()
    try:
        async with open_database(settings, path) as (store, sealer):
            return await apply(store, settings, sealer, passwords, _now(), prune=prune)
    finally:
        passwords.close()


async def export_file(settings: Settings, path: Path) -> dict[str, Any]:
    """Return the `realms` section that would make the records that are there, without secrets."""
    async with open_database(settings, path, make=False) as (store, _):
        return {realm: await store.read(export_realm(realm, _now())) for realm in settings.realms}


def _now() -> EpochSeconds:
    return EpochSeconds(int(time.time()))
