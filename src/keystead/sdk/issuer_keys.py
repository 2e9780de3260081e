"""An issuer's keys, kept fresh without a fetch per request, and without a stranger being able to cause fetches.

Shape of the promise (`KeyPolicy`): keys younger than `refresh_after` are used as they are; older ones are used while
one fetch runs beside; past `fail_after` without a successful fetch nothing is accepted any more (fail closed). A `kid`
nobody knows causes at most one fetch per `unknown_kid_interval`, however many tokens carry one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from keystead.core.jose.key_set import KeySet
from keystead.sdk.errors import IssuerUnavailable
from keystead.sdk.issuer import Issuer

_LONGEST_PAUSE: Final = 30.0


class KeyPolicy(msgspec.Struct, frozen=True):
    """How old keys may be, in seconds. `fail_after` bounds how long a withdrawn key can still be believed."""

    refresh_after: float = 300
    fail_after: float = 3_600
    unknown_kid_interval: float = 60


class IssuerKeys:
    """The keys of one issuer, for one verifier. One fetch at a time; after a failure it waits 1, 2, 4 ... 30 s."""

    def __init__(
        self,
        issuer: Issuer,
        algorithms: frozenset[str],
        policy: KeyPolicy | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._algorithms = algorithms
        self._policy = policy or KeyPolicy()
        self._timer = timer
        self._keys: KeySet | None = None
        self._document: dict[str, Any] = {}
        self._fetched_at = self._begun_at = float("-inf")
        self._failures = 0
        self._fetching: asyncio.Task[None] | None = None
        self.last_failure = "never fetched"

    async def current(self) -> KeySet | None:
        """Return keys that are fresh enough to decide by, or None. Waits for a fetch only when there are none."""
        age = self._timer() - self._fetched_at
        if age < self._policy.refresh_after:
            return self._keys
        if age < self._policy.fail_after:
            self._begin()
            return self._keys
        await self._finish(self._begin())
        return self._keys if self._timer() - self._fetched_at < self._policy.fail_after else None

    async def with_unknown(self) -> KeySet | None:
        """Return keys after a token named a key we do not have: fetched anew, unless that was done a moment ago."""
        running = self._running()
        if running is None and self._timer() - self._begun_at >= self._policy.unknown_kid_interval:
            running = self._begin()
        await self._finish(running)
        return self._keys

    async def close(self) -> None:
        """Give up a fetch that still runs."""
        running = self._running()
        if running is not None:
            running.cancel()
            await asyncio.wait([running])

    def _begin(self) -> asyncio.Task[None] | None:
        """Start a fetch, or return the one that runs; None while pausing after a failure."""
        running = self._running()
        if running is not None:
            return running
        pause = min(2.0 ** (self._failures - 1), _LONGEST_PAUSE) if self._failures else 0.0
        if self._timer() - self._begun_at < pause:
            return None
        self._begun_at = self._timer()
        self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        return self._fetching

    def _running(self) -> asyncio.Task[None] | None:
        task = self._fetching
        alive = task is not None and not task.done() and task.get_loop() is asyncio.get_running_loop()
        return task if alive else None

    async def _finish(self, task: asyncio.Task[None] | None) -> None:
        """Wait for a fetch that goes on even when the request that began it goes away."""
        if task is not None:
            await asyncio.wait([task])

    async def _fetch(self) -> None:
        try:
            document, keys = await self._issuer.fetch_keys(self._algorithms)
        except IssuerUnavailable as error:
            self._failures += 1
            self.last_failure = str(error)
            return
        self._failures = 0
        self._fetched_at = self._timer()
        if document != self._document or self._keys is None:
            self._document, self._keys = document, keys
