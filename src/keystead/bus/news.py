"""The bus's share of the revocation news: what could end a connection, as soon as it is in the store.

Does not: say what to do. A driver looks at all its connections again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from keystead.core.errors import StorageError
from keystead.core.records.revocation import REVOCATION_TOPIC, Revocation
from keystead.storage.ports import OutboxEvent, Store, read_outbox

CONCERNS_BUS: Final = frozenset(
    {"workload", "workload_change", "role_assignment", "client", "client_change", "token", "key", "realm"}
)
_WAIT: Final = 30.0
_RETRY: Final = 0.5


async def follow_revocations(store: Store, realm: str, alert: Callable[[], None]) -> None:
    """Call `alert` once at the start and after every revocation of the realm that may concern a connection.

    Runs until cancelled.
    """
    since: int | None = None
    while True:
        try:
            if since is None:
                since = await store.changed(0, 0)
                alert()
            if await store.changed(since, _WAIT) <= since:
                continue
            while events := await store.read(read_outbox(REVOCATION_TOPIC, since)):
                since = events[-1].sequence
                if any(_concerns(event, realm) for event in events):
                    alert()
            since = max(since, await store.changed(since, 0))
        except StorageError:
            await asyncio.sleep(_RETRY)
            alert()


def _concerns(event: OutboxEvent, realm: str) -> bool:
    if event.realm != realm:
        return False
    try:
        return msgspec.json.decode(event.payload, type=Revocation).kind in CONCERNS_BUS
    except msgspec.DecodeError:
        return True
