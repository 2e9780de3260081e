"""Things that can be used once: exactly one caller gets them, whatever the number of callers."""

from __future__ import annotations

import asyncio
from functools import partial

from keystead.core.values import EpochSeconds
from keystead.storage.ports import Redeemable, Redeemed, Replayed, Store, claim, offer, peek, redeem
from tests.contract.kinds import LATER, NOW


async def test_redeemed_once_and_then_replayed(store: Store) -> None:
    """The first gets the payload, everybody after it learns when it was spent and what it bought."""
    await store.write(lambda: offer("acme", "code", "k", b"payload", LATER))
    assert await store.read(peek("acme", "code", "k", NOW)) == Redeemable(b"payload")
    assert await store.write(lambda: redeem("acme", "code", "k", NOW)) == Redeemed(b"payload")
    replayed = Replayed(b"payload", NOW)
    assert await store.write(lambda: redeem("acme", "code", "k", EpochSeconds(NOW + 5))) == replayed
    assert await store.read(peek("acme", "code", "k", NOW)) == replayed


async def test_unknown_purpose_realm_and_key_are_nothing(store: Store) -> None:
    """Realm and purpose are part of the key: what was offered for one opens nothing in another."""
    await store.write(lambda: offer("acme", "code", "k", b"payload", LATER))
    for realm, purpose, key in (("other", "code", "k"), ("acme", "email", "k"), ("acme", "code", "K")):
        assert await store.write(partial(redeem, realm, purpose, key, NOW)) is None
        assert await store.read(peek(realm, purpose, key, NOW)) is None


async def test_expired_is_gone_before_the_sweeper_comes(store: Store) -> None:
    """From `expires_at` on there is nothing, spent or unspent."""
    await store.write(lambda: offer("acme", "code", "fresh", b"", LATER))
    await store.write(lambda: offer("acme", "code", "spent", b"", LATER))
    await store.write(lambda: redeem("acme", "code", "spent", NOW))
    for key in ("fresh", "spent"):
        assert await store.write(partial(redeem, "acme", "code", key, LATER)) is None
        assert await store.read(peek("acme", "code", key, LATER)) is None


async def test_64_callers_one_winner(store: Store) -> None:
    """Of 64 concurrent redemptions exactly one succeeds."""
    for attempt in range(20):
        key = f"k{attempt}"
        await store.write(partial(offer, "acme", "code", key, b"", LATER))
        outcomes = await asyncio.gather(*(store.write(partial(redeem, "acme", "code", key, NOW)) for _ in range(64)))
        assert sum(isinstance(outcome, Redeemed) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, Replayed) for outcome in outcomes) == 63


async def test_claim_belongs_to_the_first(store: Store) -> None:
    """A `jti` can be claimed once until it expires, and then anew."""
    outcomes = await asyncio.gather(*(store.write(lambda: claim("acme", "jti", "j", LATER, NOW)) for _ in range(64)))
    assert sorted(outcomes) == [False] * 63 + [True]
    assert await store.write(lambda: claim("other", "jti", "j", LATER, NOW))
    assert await store.write(lambda: claim("acme", "jti", "j", EpochSeconds(LATER + 60), LATER))
    assert not await store.write(lambda: claim("acme", "jti", "j", EpochSeconds(LATER + 60), LATER))
