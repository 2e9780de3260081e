"""Which key signs, when the next one is due, and how long an old one stays: the life of a signing key, as arithmetic.

Flow: next (published, does not sign yet) -> current (signs) -> retired (published until its last token is dead).
Does not: read or write anything. `keyring` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from keystead.core.records.api import Api
from keystead.core.records.realm import Realm
from keystead.core.records.signing_key import SigningKey
from keystead.core.values import EpochSeconds, Seconds

PUBLISHED_AHEAD: Final = Seconds(3_600)
"""How long a key is published before it signs, so that a verifier that caches the key document has it in time."""

KEPT_AT_LEAST: Final = Seconds(86_400)
"""How long a retired key stays published at least, whatever the tokens' lifetimes were when they were signed."""


def newest(keys: Sequence[SigningKey], algorithm: str) -> SigningKey | None:
    """Return the key of the highest number, whether it signs yet or not."""
    return max((key for key in keys if key.algorithm == algorithm), key=lambda key: key.number, default=None)


def signing_key(keys: Sequence[SigningKey], algorithm: str, now: EpochSeconds) -> SigningKey | None:
    """Return the key that signs now: of those whose time has come, the newest."""
    begun = [key for key in keys if key.algorithm == algorithm and key.signs_from <= now]
    return newest(begun, algorithm)


def superseded(keys: Sequence[SigningKey], now: EpochSeconds) -> tuple[tuple[SigningKey, SigningKey], ...]:
    """Return (old key, the key that took over) for every old key that is not marked retired yet."""
    pairs = []
    for key in keys:
        current = signing_key(keys, key.algorithm, now)
        if key.retires_at is None and current is not None and key.number < current.number:
            pairs.append((key, current))
    return tuple(pairs)


def rotation_due(realm: Realm, keys: Sequence[SigningKey], algorithm: str, now: EpochSeconds) -> bool:
    """Return whether the next key should be published now. An interval of 0 means never by itself."""
    last = newest(keys, algorithm)
    if realm.key_rotation_interval <= 0:
        return last is None
    return last is None or last.signs_from + realm.key_rotation_interval - lead(realm) <= now


def lead(realm: Realm) -> Seconds:
    """Return how long this realm's keys are published before they sign."""
    return Seconds(min(PUBLISHED_AHEAD, realm.key_rotation_interval // 2))


def longest_lifetime(realm: Realm, apis: Sequence[Api]) -> Seconds:
    """Return how long the longest-lived token signed at this moment can live."""
    of_realm = (realm.access_token_lifetime, realm.exchanged_token_lifetime, realm.id_token_lifetime)
    return Seconds(max(*of_realm, *(api.access_token_lifetime for api in apis), KEPT_AT_LEAST))
