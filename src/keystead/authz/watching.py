"""Following the changes of a store, one by one, as they are made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Final

from keystead.authz.errors import ChangesGone
from keystead.storage.ports import (
    FeedView,
    Read,
    RelationshipChange,
    Store,
    look_at_feed,
    relationship_changes,
)

LOOK_SECONDS: Final = 0.1
"""How often is looked for changes."""


async def watch(
    backend: Store, realm: str, store: str, since: int | None, idle: float | None
) -> AsyncGenerator[RelationshipChange, None]:
    """Yield every change after a revision. Raises: ChangesGone."""
    if since is None:
        since = (await backend.read(look_at_feed(realm, store))).revision
    quiet_since = time.monotonic()
    while True:
        feed, changes = await backend.read(_changes(realm, store, since))
        if feed.trimmed > since:
            raise ChangesGone(since, feed.trimmed)
        for change in changes:
            since = change.revision
            yield change
            quiet_since = time.monotonic()
        if not changes:
            if idle is not None and time.monotonic() - quiet_since >= idle:
                return
            await asyncio.sleep(LOOK_SECONDS)


def _changes(realm: str, store: str, since: int) -> Read[tuple[FeedView, list[RelationshipChange]]]:
    feed = yield from look_at_feed(realm, store)
    changes = yield from relationship_changes(realm, store, since)
    return feed, changes
