"""Following a feed that is late, lost, forged, replayed, restored or malformed."""

from __future__ import annotations

import asyncio
import gc
import os
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from keystead.core.errors import ConfigurationError
from keystead.core.records.revocation import Revocation
from keystead.core.revocation_feed import RELATION, FeedPage, entry_of
from keystead.core.values import EpochSeconds, Seconds
from keystead.sdk import Refused, RevocationPolicy, VerifiedCaller, Verifier
from keystead.sdk.revocation_feed import FollowedRevocations, follow
from tests.unit.sdk.loopback_issuer import LoopbackIssuer, json_answer

AUDIENCE = "https://orders.test"
DEADLINE = 40.0
FEED = "/realms/acme/revocations"


class PublishingIssuer:
    """Makes a loopback issuer publish a feed. `revoked` is what it says, `changes` overrides members of the page."""

    def __init__(self, issuer: LoopbackIssuer) -> None:
        self.issuer = issuer
        self.revoked: list[tuple[str, str]] = []
        self.changes: dict[str, Any] = {}
        self.broken: Callable[[], tuple[int, dict[str, str], bytes]] | None = None
        self.link = f'<{issuer.url}/revocations>; rel="{RELATION}"'
        issuer.answers["/realms/acme/.well-known/openid-configuration"] = self.discovery
        issuer.answers[FEED] = self.answer

    def discovery(self) -> tuple[int, dict[str, str], bytes]:
        """Return the discovery document, with the header."""
        status, headers, body = json_answer(self.issuer.discovery())
        return status, {**headers, "link": self.link}, body

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return everything revoked, at once."""
        if self.broken is not None:
            return self.broken()
        now = EpochSeconds(int(time.time()))
        entries = [entry_of(self.issuer.url, Revocation(kind, id), now) for kind, id in self.revoked]
        page = FeedPage(
            iss=self.issuer.url,
            cursor=str(len(entries)),
            more=False,
            memory=Seconds(3_600),
            floor=EpochSeconds(0),
            revoked=tuple(entry for entry in entries if entry is not None),
        )
        return json_answer({name: getattr(page, name) for name in page.__struct_fields__} | self.changes)

    def token(self, **changes: Any) -> str:
        """Return a good token."""
        return self.issuer.token(AUDIENCE, time.time(), **changes)


@pytest.fixture
async def published(issuer: LoopbackIssuer) -> PublishingIssuer:
    """An issuer with a feed."""
    return PublishingIssuer(issuer)


def verifier_of(published: PublishingIssuer, **options: Any) -> Verifier:
    return Verifier(issuer=published.issuer.url, audience=AUDIENCE, **options)


async def becomes(verifier: Verifier, token: str, reason: str) -> None:
    """Wait until a token is refused for a reason, or (empty) accepted."""
    until = time.monotonic() + DEADLINE
    while True:
        outcome = await verifier.verify(token)
        if (outcome.reason if isinstance(outcome, Refused) else "") == reason:
            return
        assert time.monotonic() < until, outcome
        await asyncio.sleep(0.01)


async def test_a_verifier_follows_by_default_and_all_of_a_process_share_one_follower(
    published: PublishingIssuer,
) -> None:
    published.revoked = [("token", "j1")]
    one, two = verifier_of(published), verifier_of(published)
    outcomes = [await verifier.verify(published.token()) for verifier in (one, two)]
    assert [outcome.reason for outcome in outcomes if isinstance(outcome, Refused)] == ["token.revoked"] * 2
    assert isinstance(await one.verify(published.token(jti="j2")), VerifiedCaller)
    assert isinstance(one.revocations, FollowedRevocations)
    assert isinstance(two.revocations, FollowedRevocations)
    assert one.revocations.feed is two.revocations.feed


async def test_an_issuer_without_a_feed_is_served_as_before(issuer: LoopbackIssuer) -> None:
    verifier = Verifier(issuer=issuer.url, audience=AUDIENCE)
    assert isinstance(await verifier.verify(issuer.token(AUDIENCE, time.time())), VerifiedCaller)
    assert issuer.requests[FEED] == 0


async def test_ignoring_revocations_is_possible_and_says_that_it_is_dangerous(published: PublishingIssuer) -> None:
    published.revoked = [("token", "j1")]
    verifier = verifier_of(published, danger_ignore_revocations=True)
    assert isinstance(await verifier.verify(published.token()), VerifiedCaller)
    assert published.issuer.requests[FEED] == 0


@pytest.mark.attack("F5")
async def test_without_news_nothing_is_accepted_once_the_stated_bound_is_over(published: PublishingIssuer) -> None:
    """Whoever withholds the feed buys as much time as the policy says, and no more."""
    verifier = verifier_of(published, revocations=RevocationPolicy(maximum_staleness=0.5))
    trusting = verifier_of(published, revocations=RevocationPolicy(0.5, on_stale="accept_until_expiry"))
    patient = verifier_of(published)
    token = published.token()
    await becomes(verifier, token, "")
    assert isinstance(await trusting.verify(token), VerifiedCaller)
    published.broken = lambda: (503, {}, b"")
    await becomes(verifier, token, "revocations.stale")
    refused = await verifier.verify(token)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.error) == (503, "temporarily_unavailable")
    assert isinstance(await trusting.verify(token), VerifiedCaller)
    assert isinstance(await patient.verify(token), VerifiedCaller)
    assert isinstance(verifier.revocations, FollowedRevocations)
    assert verifier.revocations.staleness > 0.5
    assert verifier.revocations.refused_stale >= 1
    assert verifier.revocations.feed.lost >= 1
    published.broken = None
    await becomes(verifier, token, "")


@pytest.mark.attack("F5")
async def test_what_was_known_before_the_feed_was_lost_stays_known(published: PublishingIssuer) -> None:
    published.revoked = [("grant", "g1")]
    verifier = verifier_of(published, revocations=RevocationPolicy(on_stale="accept_until_expiry"))
    token = published.token(gid="g1")
    await becomes(verifier, token, "token.revoked")
    published.broken = lambda: (500, {}, b"")
    assert isinstance(await verifier.verify(token), Refused)
    published.broken, published.revoked = None, []  # a database put back from a backup has forgotten it
    await asyncio.sleep(0.3)
    assert isinstance(await verifier.verify(token), Refused)


@pytest.mark.attack("F5")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.test"},
        {"iss": None},
        {"revoked": [["AAAA", 1]]},
        {"revoked": [["!" * 22, 1]]},
        {"revoked": "all"},
        {"revoked": [[1, 2, 3]]},
        {"memory": "long"},
        {"memory": 10},
        {"floor": "now"},
        {"cursor": "1&wait=0"},
        {"cursor": "x" * 300},
        {"more": "yes"},
    ],
)
async def test_a_malformed_or_foreign_page_is_no_news(published: PublishingIssuer, changes: dict[str, Any]) -> None:
    published.changes = changes
    verifier = verifier_of(published)
    refused = await verifier.verify(published.token())
    assert isinstance(refused, Refused)
    assert (refused.status, refused.reason) == (503, "revocations.stale")
    published.changes = {}
    await becomes(verifier, published.token(), "")


@pytest.mark.attack("F5")
@pytest.mark.parametrize(
    "answer",
    [
        (302, {"location": "http://127.0.0.1:1/"}, b""),
        (200, {}, b"not json"),
        (200, {}, b"[]"),
        (200, {}, b'{"iss": 1, "iss": 2}'),
        (200, {}, b"{" + b" " * 300_000 + b"}"),
        (404, {}, b"{}"),
    ],
)
async def test_an_answer_that_is_no_page_is_no_news(
    published: PublishingIssuer, answer: tuple[int, dict[str, str], bytes]
) -> None:
    published.broken = lambda: answer
    refused = await verifier_of(published).verify(published.token())
    assert isinstance(refused, Refused)
    assert refused.reason == "revocations.stale"


@pytest.mark.attack("F5")
async def test_a_feed_elsewhere_in_plain_http_is_not_followed(published: PublishingIssuer) -> None:
    published.link = f'<http://id.example/revocations>; rel="{RELATION}"'
    refused = await verifier_of(published).verify(published.token())
    assert isinstance(refused, Refused)
    assert refused.reason == "revocations.stale"


async def test_an_issuer_that_answers_at_once_with_nothing_is_not_asked_in_a_circle(
    published: PublishingIssuer,
) -> None:
    verifier = verifier_of(published)
    await becomes(verifier, published.token(), "")
    before, began = published.issuer.requests[FEED], time.monotonic()
    await asyncio.sleep(1.0)
    assert published.issuer.requests[FEED] - before <= 2 + 2 * (time.monotonic() - began)


async def test_the_follower_ends_with_the_last_who_needs_it(published: PublishingIssuer) -> None:
    verifier = verifier_of(published)
    await becomes(verifier, published.token(), "")
    assert isinstance(verifier.revocations, FollowedRevocations)
    feed = weakref.ref(verifier.revocations.feed)
    await verifier.close()
    until = time.monotonic() + DEADLINE
    while feed() is not None and time.monotonic() < until:
        gc.collect()
        await asyncio.sleep(0.05)
    assert feed() is None


async def test_a_forked_worker_follows_by_itself(published: PublishingIssuer) -> None:
    """Servers that fork after loading the application have verifiers whose thread stayed behind."""
    feed = follow(published.issuer.url, None)
    followed = FollowedRevocations(feed, RevocationPolicy())
    await followed.settle()
    assert followed.fresh()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            alive = followed.fresh() and feed.thread is not None and feed.thread.is_alive()
            heard = feed.heard
            published.revoked = []
            until = time.monotonic() + DEADLINE
            while not feed.settled.done() and time.monotonic() < until:
                time.sleep(0.01)
            status = 0 if alive and feed.settled.done() and heard == 0 else 2
        finally:
            os._exit(status)
    until = time.monotonic() + 2 * DEADLINE
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0) and time.monotonic() < until:
        await asyncio.sleep(0.02)
    assert ended == (pid, 0)


def test_a_policy_that_says_nothing_is_refused() -> None:
    for wrong in ({"maximum_staleness": 0}, {"maximum_staleness": float("nan")}, {"on_stale": "ignore"}):
        with pytest.raises((ConfigurationError, ValueError), match="maximum_staleness"):
            RevocationPolicy(**wrong)
