"""Follows an issuer's revocation feed: one thread per process and issuer, shared by every verifier in it.

Flow: a Link header of discovery says where the feed is -> everything still remembered, page by page -> long polls, each
answered as soon as something is revoked -> `RevokedMarks`, which verifiers ask without waiting for anybody.
How stale the news is counts from the moment the last answered question was sent: an answer held back on its way
makes it no fresher. A cursor the issuer does not know (a restored database) brings everything again; nothing that was
ever heard of is taken back before it has expired.
Why a thread: it works the same in services with one event loop, several or none, and after a fork.
Does not: decide what to do when the news is stale. `FollowedRevocations` does, by each verifier's policy.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import ssl
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Final

import msgspec

from keystead.core.decisions import Check
from keystead.core.revocation_feed import RELATION, FeedPage
from keystead.sdk.addresses import require_safe_url
from keystead.sdk.blocking_channel import BlockingChannel
from keystead.sdk.revocations import ALIVE, RevocationPolicy, Watched
from keystead.sdk.revoked_marks import RevokedMarks

WAIT: Final = 10
SETTLE_SECONDS: Final = 5.0
_TIMEOUT: Final = 3.0
_LOOK_AGAIN: Final = 300.0
_LONGEST_PAUSE: Final = 2.0
_LEAST_INTERVAL: Final = 0.5
_DISCOVERY: Final = "/.well-known/openid-configuration"
_chance: Final = random.SystemRandom()
"""Its own: a program that seeds the shared one gets the same numbers, whatever this thread does."""
_logger = logging.getLogger("keystead.sdk.revocations")


class RevocationFeed:
    """What one issuer revoked, kept up to date while anybody holds this object. `follow` gives the shared one.

    `absent` says that the issuer publishes no feed; then nothing is followed and nothing is ever stale.
    """

    def __init__(self, issuer: str, tls: ssl.SSLContext | None, *, danger_allow_plain_http: bool = False) -> None:
        self.issuer = issuer
        self.marks = RevokedMarks()
        self.absent = False
        self.last_failure = "never asked"
        self.heard = 0
        self.lost = 0
        self.on_news: list[Callable[[], None]] = []
        self._plain_http = danger_allow_plain_http
        self._channel = BlockingChannel(tls, _TIMEOUT)
        self._uri = ""
        self._cursor = ""
        self._as_of = float("-inf")
        self._failures = 0
        self._complete = False
        weakref.finalize(self, self._channel.close)
        self._begin()

    def _begin(self) -> None:
        """Start following, in the process that asks: again after a fork."""
        self.settled: Future[None] = Future()
        self.thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def start(self) -> None:
        """Start the thread unless it runs."""
        if self.thread is None:
            with self._starting:
                if self.thread is None:
                    name = f"keystead-revocations {self.issuer}"
                    self.thread = threading.Thread(target=_run, args=(weakref.ref(self),), name=name, daemon=True)
                    self.thread.start()

    def after_fork(self) -> None:
        """Forget the parent's thread and connection; what it knew stays."""
        self._channel.close()
        self._begin()

    @property
    def staleness(self) -> float:
        """How many seconds old the news is; infinite before the first."""
        return 0.0 if self.absent else time.monotonic() - self._as_of

    def step(self) -> float:
        """Ask once, and return how long to pause before asking again. The thread's work."""
        began = time.monotonic()
        try:
            return self._ask(began)
        except Exception as error:  # noqa: BLE001 - whatever it is: no news came, and the thread must go on
            self._fail(f"{type(error).__name__}: {error}")
            pause = min(0.1 * 2.0**self._failures, _LONGEST_PAUSE)
            return pause * _chance.uniform(0.5, 1.0)  # so that a thousand services do not ask at once
        finally:
            if not self.settled.done() and (self._complete or self.absent or self._failures):
                self.settled.set_result(None)

    def _ask(self, began: float) -> float:
        if not self._uri and not self._discover():
            return _LOOK_AGAIN
        wait = WAIT if self._complete else 0
        document = self._channel.get(f"{self._uri}?after={self._cursor}&wait={wait}", patience=wait)
        page = msgspec.convert(document.members, FeedPage)
        if page.iss != self.issuer:
            raise ValueError(f"the feed at {self._uri} is another issuer's")
        told = self.marks.add(page, time.monotonic())
        self._cursor = page.cursor
        self.heard += len(page.revoked)
        if not page.more:
            self._succeed(began)
        if told:
            for act in tuple(self.on_news):
                act()
        idle = not page.revoked and not page.more and wait
        return max(0.0, _LEAST_INTERVAL - (time.monotonic() - began)) if idle else 0.0

    def _discover(self) -> bool:
        document = self._channel.get(self.issuer + _DISCOVERY)
        if document.members.get("issuer") != self.issuer:
            raise ValueError(f"the discovery document at {self.issuer} names another issuer")
        uri = document.linked(RELATION)
        if not uri:
            if not self.absent:
                _logger.warning(
                    "%s announces no revocation feed: its tokens are believed until they expire", self.issuer
                )
            self.absent = True
            self._channel.close()
            return False
        self.absent = False
        if "?" in uri:
            raise ValueError(f"the link to {RELATION} is not a URL without a query")
        require_safe_url(uri, RELATION, danger_allow_plain_http=self._plain_http)
        self._uri = uri
        return True

    def _succeed(self, began: float) -> None:
        if self._failures and self._complete:
            _logger.warning("following %s again", self._uri)
        self._failures = 0
        self._complete = True
        self._as_of = began

    def _fail(self, why: str) -> None:
        self._failures += 1
        self.last_failure = why
        if self._failures == 1:
            self.lost += 1
            _logger.warning("no news of revocation from %s: %s", self.issuer, why)
        if self._failures % 8 == 0:
            self._uri = ""


class FollowedRevocations:
    """A feed under one verifier's policy. `refused_stale` counts the requests refused for want of news."""

    def __init__(self, feed: RevocationFeed, policy: RevocationPolicy) -> None:
        self.feed = feed
        self.policy = policy
        self.refused_stale = 0
        self._refuses = policy.on_stale == "refuse"

    @property
    def staleness(self) -> float:
        """How many seconds old the news is: the figure to watch. Infinite before the first."""
        return self.feed.staleness

    @property
    def known(self) -> int:
        """How many revocations are kept in memory."""
        return len(self.feed.marks)

    async def settle(self) -> None:
        """Wait, once, until the first news is there or the first attempt failed."""
        self.feed.start()
        settled = self.feed.settled
        if not settled.done():
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(settled)), SETTLE_SECONDS)

    def fresh(self) -> bool:
        """Return whether the news is young enough for the policy."""
        feed = self.feed
        if feed.thread is None:
            feed.start()
        if feed.staleness <= self.policy.maximum_staleness or not self._refuses:
            return True
        self.refused_stale += 1
        return False

    def check(self, watched: Watched) -> Check:
        """Return whether nothing a token stands on was revoked, as far as is known."""
        return ALIVE if self.feed.absent else self.feed.marks.check(watched)


_shared: weakref.WeakValueDictionary[tuple[str, int, bool], RevocationFeed] = weakref.WeakValueDictionary()
_sharing = threading.Lock()


def follow(issuer: str, tls: ssl.SSLContext | None, *, danger_allow_plain_http: bool = False) -> RevocationFeed:
    """Return this process's feed of an issuer, over these TLS settings. It is followed once somebody asks it."""
    key = (issuer, id(tls), danger_allow_plain_http)
    with _sharing:
        feed = _shared.get(key)
        if feed is None:
            feed = _shared[key] = RevocationFeed(issuer, tls, danger_allow_plain_http=danger_allow_plain_http)
        return feed


def _run(reference: weakref.ref[RevocationFeed]) -> None:
    """Follow until nobody holds the feed any more."""
    while (feed := reference()) is not None:
        until = time.monotonic() + feed.step()
        del feed
        while (left := until - time.monotonic()) > 0 and reference() is not None:
            time.sleep(min(left, 1.0))


def _after_fork() -> None:
    """Let go, in a new process, of what belongs to its parent: threads do not come along."""
    global _sharing
    _sharing = threading.Lock()
    for feed in list(_shared.values()):
        feed.after_fork()


os.register_at_fork(after_in_child=_after_fork)
