"""What an issuer does by itself beside answering: removes expired rows, and looks after its signing keys.

Does not: stop the server when the store is busy; the next round finds what this one left.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from keystead.core.errors import KeysteadError
from keystead.core.protocols import KeyRing
from keystead.core.records.realm import Realm
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Store
from keystead.storage.ports import get as get_record
from keystead.web.rendering import templates

_logger = logging.getLogger("keystead.housekeeping")
WARM_UP_SECONDS: Final = 0.5
BATCH: Final = 500
REST_SECONDS: Final = 15.0
BUSY_REST_SECONDS: Final = 0.25
KEY_ROUND_SECONDS: Final = 60.0


async def warm_up() -> None:
    """Prepare, once the server is ready, what the first page would otherwise wait for."""
    await asyncio.sleep(WARM_UP_SECONDS)
    await asyncio.to_thread(templates)


async def sweep_forever(store: Store) -> None:
    """Remove expired rows in small batches: quickly while there are many, rarely while there are few."""
    while True:
        swept = 0
        try:
            swept = await store.sweep(EpochSeconds(int(time.time())), BATCH)
        except KeysteadError as error:
            _logger.warning("expired rows were not removed this time: %s", error)
        await asyncio.sleep(BUSY_REST_SECONDS if swept >= BATCH else REST_SECONDS)


async def tend_keys_forever(store: Store, keys: KeyRing, realms: tuple[str, ...]) -> None:
    """Ask every realm who signs, now and then: a realm without traffic rotates its keys too."""
    while True:
        for realm in realms:
            try:
                now = EpochSeconds(int(time.time()))
                if await store.read(get_record(Realm, realm, realm, now)) is not None:
                    await keys.signer(realm, now)
            except KeysteadError as error:
                _logger.error("the keys of realm %s need attention: %s", realm, error)
        await asyncio.sleep(KEY_ROUND_SECONDS)
