"""Tokens kept for as long as they are good for something, bought once however many ask at the same time.

Shape: a token is handed out until 80 % of its life has passed; then it is bought anew, and when that fails because
nobody answers, the old one serves until it really ends. Keys are tuples, so no two requests can read the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from keystead.core.values import EpochSeconds, Secret

RENEW_AFTER: Final = 0.8
_REMEMBERED: Final = 4_096

Key = tuple[str, ...]


class ObtainedToken(msgspec.Struct, frozen=True):
    """A token we hold: what to send, until when it lives, what it may, and when to obtain the next one."""

    token: Secret
    expires_at: EpochSeconds
    scope: str = ""
    renew_at: EpochSeconds = EpochSeconds(0)


def obtained(token: str, lifetime: int, scope: str, now: float) -> ObtainedToken:
    """Return a token with its times, counted from when it was asked for."""
    return ObtainedToken(
        Secret(token), EpochSeconds(int(now) + lifetime), scope, EpochSeconds(int(now + lifetime * RENEW_AFTER))
    )


class KeptTokens:
    """A bounded memory of tokens with one purchase in flight per key."""

    def __init__(self, unreachable: tuple[type[Exception], ...], clock: Callable[[], float] = time.time) -> None:
        self._unreachable = unreachable
        self._clock = clock
        self._kept: dict[Key, ObtainedToken] = {}
        self._buying: dict[Key, asyncio.Task[ObtainedToken]] = {}

    def kept(self, key: Key) -> ObtainedToken | None:
        """Return a token that need not be renewed yet."""
        token = self._kept.get(key)
        return token if token is not None and self._clock() < token.renew_at else None

    def keep(self, key: Key, token: ObtainedToken) -> None:
        """Keep a token, forgetting the oldest beyond the bound."""
        self._kept.pop(key, None)
        while len(self._kept) >= _REMEMBERED:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = token

    async def get(self, key: Key, buy: Callable[[], Awaitable[ObtainedToken]]) -> ObtainedToken:
        """Return the token of a key, bought by `buy` unless one is kept or being bought.

        Raises: whatever `buy` raises, unless nobody answered and an old token is still good.
        """
        known = self.kept(key)
        if known is not None:
            return known
        task = self._buying.get(key)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.get_running_loop().create_task(self._buy(key, buy))
            self._buying[key] = task
            task.add_done_callback(lambda done: self._bought(key, done))
        return await asyncio.shield(task)

    async def _buy(self, key: Key, buy: Callable[[], Awaitable[ObtainedToken]]) -> ObtainedToken:
        try:
            token = await buy()
        except self._unreachable:
            old = self._kept.get(key)
            if old is not None and self._clock() < old.expires_at:
                return old
            raise
        self.keep(key, token)
        return token

    def _bought(self, key: Key, task: asyncio.Task[Any]) -> None:
        if self._buying.get(key) is task:
            del self._buying[key]
        if not task.cancelled():
            task.exception()
