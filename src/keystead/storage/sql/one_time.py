"""Things that can be used once: codes, handles, challenges, `jti` values.

Each is one row. Spending it is one conditional UPDATE, so that of any number of callers exactly one gets it.
"""

from __future__ import annotations

from typing import Final

from keystead.storage.documents import require_text
from keystead.storage.ports import Claim, Offer, Peek, Redeem, Redeemable, Redeemed, Replayed
from keystead.storage.sql.statement import Steps

OFFER: Final = "INSERT INTO one_time (realm, purpose, key, payload, expires_at) VALUES (?, ?, ?, ?, ?)"

CLAIM: Final = """
INSERT INTO one_time (realm, purpose, key, payload, expires_at, redeemed_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (realm, purpose, key) DO UPDATE
SET payload = excluded.payload, expires_at = excluded.expires_at, redeemed_at = excluded.redeemed_at
WHERE one_time.expires_at <= ? RETURNING 1"""

REDEEM: Final = """
UPDATE one_time SET redeemed_at = ?
WHERE realm = ? AND purpose = ? AND key = ? AND redeemed_at IS NULL AND expires_at > ? RETURNING payload"""

PEEK: Final = """
SELECT payload, redeemed_at FROM one_time WHERE realm = ? AND purpose = ? AND key = ? AND expires_at > ?"""


def offer(operation: Offer) -> Steps[None]:
    """Store something that can be redeemed once."""
    realm, purpose, key = (require_text(text) for text in (operation.realm, operation.purpose, operation.key))
    yield OFFER, (realm, purpose, key, operation.payload, operation.expires_at)


def claim(operation: Claim) -> Steps[bool]:
    """Take a key first, or learn that somebody did. A claim that has expired can be taken anew."""
    realm, purpose, key = (require_text(text) for text in (operation.realm, operation.purpose, operation.key))
    now = operation.now
    return bool((yield CLAIM, (realm, purpose, key, b"", operation.expires_at, now, now)))


def redeem(operation: Redeem) -> Steps[Redeemed | Replayed | None]:
    """Spend a one-time thing."""
    key = (operation.realm, operation.purpose, operation.key)
    rows = yield REDEEM, (operation.now, *key, operation.now)
    if rows:
        return Redeemed(rows[0][0])
    rows = yield PEEK, (*key, operation.now)
    return Replayed(rows[0][0], rows[0][1]) if rows else None


def peek(operation: Peek) -> Steps[Redeemable | Replayed | None]:
    """Look at a one-time thing without spending it."""
    rows = yield PEEK, (operation.realm, operation.purpose, operation.key, operation.now)
    if not rows:
        return None
    payload, redeemed_at = rows[0]
    return Redeemable(payload) if redeemed_at is None else Replayed(payload, redeemed_at)
