"""Pending authorization requests: carried by the browser until somebody acts, stored from then on.

Anybody can send browsers to the authorization endpoint, so a request that merely waits for a person costs us nothing:
it travels, sealed, as the handle in the page's URL. What a person does with it (signs in, allows) is stored under the
id that was sealed with it; when it ends, that id is spent, so the handle opens nothing a second time.
A request too large for a URL is stored at once, but only so many a minute; a pushed one so often each.
Does not: let a handle be used by another browser. It names the browser that it was made for.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from typing import Annotated, Final

import msgspec

from keystead.core.errors import TemporarilyUnavailable
from keystead.core.records.interaction import Interaction
from keystead.core.sealing import Sealer
from keystead.core.values import EpochSeconds, handle_digest, new_handle, new_identifier
from keystead.oauth.context import ServerContext
from keystead.storage.ports import Read, Write, claim, get, peek, put, remove

INTERACTION_PREFIX: Final = "kst_"
SEALED_PREFIX: Final = "ksp_"
INTERACTION_LIFETIME: Final = 3600
LONGEST_HANDLE: Final = 6_000
STORED_PER_MINUTE: Final = 600
STORED_PER_PUSH: Final = 10
_KIND: Final = "pending_interaction"
_SPENT: Final = "interaction"

Handle = Annotated[str, msgspec.Meta(max_length=LONGEST_HANDLE + 64)]
"""The handle of an interaction, as a parameter."""

_decoder: Final = msgspec.json.Decoder(Interaction)


class Allowance:
    """So many a minute, counted in this process."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._minute = 0
        self._taken = 0

    def take(self, now: EpochSeconds) -> bool:
        """Take one, if there is one left in this minute."""
        if now // 60 != self._minute:
            self._minute, self._taken = now // 60, 0
        self._taken += 1
        return self._taken <= self._per_minute


class PushAllowance:
    """So many a minute of one pushed request, counted in this process: its reference opens as often as one likes."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._minute = 0
        self._opened: Counter[str] = Counter()

    def take(self, pushed: str, now: EpochSeconds) -> bool:
        """Take one, if there is one left for this request."""
        if now // 60 != self._minute:
            self._minute = now // 60
            self._opened.clear()
        self._opened[pushed] += 1
        return self._opened[pushed] <= self._each


_large: Final = Allowance(STORED_PER_MINUTE)
_large_pushed: Final = PushAllowance(STORED_PER_PUSH)


async def begin_interaction(asked: Interaction, browser_digest: str, cx: ServerContext, now: EpochSeconds) -> str:
    """Return the handle of a new interaction of a browser.

    Raises: TemporarilyUnavailable when too many large ones were begun.
    """
    record = msgspec.structs.replace(
        asked,
        id=new_identifier("int"),
        browser_digest=browser_digest,
        expires_at=EpochSeconds(now + INTERACTION_LIFETIME),
    )
    handle = _seal(cx.sealer, record)
    if len(handle) <= LONGEST_HANDLE:
        return handle
    if not (_large_pushed.take(asked.pushed, now) if asked.pushed else _large.take(now)):
        raise TemporarilyUnavailable("Too many large requests; push them (PAR).", reason="interaction.too_many_large")
    handle = INTERACTION_PREFIX + new_handle()
    stored = msgspec.structs.replace(record, id=handle_digest(handle))
    await cx.store.write(lambda: put(stored, now))
    return handle


def find_interaction(sealer: Sealer, realm: str, handle: str, now: EpochSeconds) -> Read[Interaction | None]:
    """Return the interaction of a handle as it stands: stored, or not touched yet. None: unknown, over, or spent."""
    if handle.startswith(INTERACTION_PREFIX):
        return (yield from get(Interaction, realm, handle_digest(handle), now))
    sealed = _open(sealer, realm, handle) if handle.startswith(SEALED_PREFIX) else None
    if sealed is None or sealed.expires_at is None or sealed.expires_at <= now:
        return None
    stored = yield from get(Interaction, realm, sealed.id, now)
    if stored is not None:
        return stored
    spent = yield from peek(realm, _SPENT, sealed.id, now)
    return sealed if spent is None else None


def end_interaction(interaction: Interaction, now: EpochSeconds) -> Write[bool]:
    """End an interaction for good. Answer: False when it had ended, or was never more than a request."""
    if not interaction.id:
        return True
    if interaction.version and not (yield from remove(Interaction, interaction.realm, interaction.id)):
        return False
    until = interaction.expires_at or EpochSeconds(now + INTERACTION_LIFETIME)
    return (yield from claim(interaction.realm, _SPENT, interaction.id, until, now))


def change_interaction(changed: Interaction, now: EpochSeconds) -> Write[None]:
    """Store what happened to an interaction, unless it has ended. When another tab was first, its word stands."""
    if not changed.version and (yield from peek(changed.realm, _SPENT, changed.id, now)) is not None:
        return
    yield from put(changed, now)


def _seal(sealer: Sealer, record: Interaction) -> str:
    sealed = sealer.seal(record.realm, _KIND, "", msgspec.json.encode(record))
    return SEALED_PREFIX + urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _open(sealer: Sealer, realm: str, handle: str) -> Interaction | None:
    text = handle.removeprefix(SEALED_PREFIX)
    if not text.isascii() or not text.replace("-", "").replace("_", "").isalnum():
        return None
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    if urlsafe_b64encode(sealed).rstrip(b"=").decode() != text:
        return None
    opened = sealer.open(realm, _KIND, "", sealed)
    return _decoder.decode(opened) if opened is not None else None
