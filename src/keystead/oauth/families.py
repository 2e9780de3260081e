"""Refresh families: how one begins, and how it is rotated by the refresh rule (decision 0008).

Does not: decide by itself what a shown token is. `Rotate` does, in the store, so that two processes cannot disagree.
"""

from __future__ import annotations

from typing import Final

from keystead.core.records.grant import Grant
from keystead.core.values import EpochSeconds, Seconds, handle_digest
from keystead.oauth.grant import Attempt
from keystead.oauth.profiles import profile_of
from keystead.oauth.refresh_tokens import RefreshToken, make_refresh_token
from keystead.oauth.sender_binding import family_binding
from keystead.storage.ports import (
    Read,
    Replaced,
    Reused,
    Rotate,
    Rotated,
    StartFamily,
    Superseded,
    Write,
    WrongBinding,
    look_at_family,
    rotate,
    start_family,
)

RETRY_WINDOW: Final = Seconds(30)
"""How long the immediate predecessor may come back, while its successor is unused."""


def begin_family(grant: Grant, attempt: Attempt) -> Write[str]:
    """Begin a grant's refresh family and return its first token."""
    token = make_refresh_token(attempt.cx.sealer, grant.realm, grant.id, 1)
    yield from start_family(
        StartFamily(
            realm=grant.realm,
            family=grant.id,
            digest=handle_digest(token),
            binding=family_binding(attempt.caller.holder, grant.binding),
            expires_at=idle_end(grant, attempt),
            now=attempt.now,
        )
    )
    return token


def rotate_family(
    grant: Grant, shown: RefreshToken, digest: str, attempt: Attempt
) -> Write[str | Superseded | Reused | WrongBinding | None]:
    """Offer a shown token and return the next one, or what the store says instead.

    A retry takes the place of its unused successor, so the next generation follows the one that was shown.
    """
    token = make_refresh_token(attempt.cx.sealer, grant.realm, grant.id, shown.generation + 1)
    outcome = yield from rotate(
        Rotate(
            realm=grant.realm,
            family=grant.id,
            generation=shown.generation,
            digest=digest,
            successor=handle_digest(token),
            binding=family_binding(attempt.caller.holder, grant.binding),
            retry_window=RETRY_WINDOW,
            expires_at=idle_end(grant, attempt),
            now=attempt.now,
        )
    )
    return token if isinstance(outcome, Rotated | Replaced) else outcome


def is_live_member(grant: Grant, digest: str, attempt: Attempt) -> Read[bool]:
    """Return whether a shown token is the family's live one, in the hands it is bound to. Changes nothing."""
    family = yield from look_at_family(grant.realm, grant.id, attempt.now)
    binding = family_binding(attempt.caller.holder, grant.binding)
    return family is not None and not family.revoked and (family.digest, family.binding) == (digest, binding)


def idle_end(grant: Grant, attempt: Attempt) -> EpochSeconds:
    """Return when the family ends unless it is used: its idle lifetime from now, never past the grant's end.

    A token that is not rotated leaves no trace of its use, so only the grant's end ends it.
    """
    if grant.expires_at is not None and not profile_of(attempt.caller.client).rotate_refresh:
        return grant.expires_at
    idle = EpochSeconds(attempt.now + attempt.realm.refresh_token_idle_lifetime)
    return idle if grant.expires_at is None else min(idle, grant.expires_at)
