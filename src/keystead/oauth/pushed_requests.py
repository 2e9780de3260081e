"""Pushed authorization requests: stored by the back channel, opened by their reference, spent when they are answered.

Flow: the `par` endpoint offers a checked request -> the browser brings its `request_uri` to `authorize`, as often as it
likes until it expires -> the transaction that answers the request spends it, so that one answer is all it ever gets.
Does not: spend anything at page load. A reload, a link preview or a second tab must not end a person's sign-in.
Spec: RFC 9126 sections 2.2 and 4, FAPI 2.0 Security Profile section 5.3.2.2.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.request_errors import InvalidRequestUri
from keystead.core.values import EpochSeconds, Seconds, handle_digest, new_handle
from keystead.oauth.checks.draft import AuthorizationForm
from keystead.storage.ports import Read, Redeemable, Redeemed, Write, offer, peek, redeem

PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
PURPOSE: Final = "pushed_request"
SHORTEST: Final = Seconds(5)
LONGEST: Final = Seconds(599)
LARGEST_OF_STRANGERS: Final = 16_384
ANSWERED_WITHIN: Final = Seconds(3600)
"""Seconds for which a request that was opened in time may still be answered: as long as a person may take."""


class PushedRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was pushed, whole, and by whom. `signed`: as a request object. `binding`: the key that was proved along."""

    client_id: str
    form: AuthorizationForm
    expires_at: EpochSeconds
    signed: bool = False
    binding: str = ""


_DECODER: Final = msgspec.json.Decoder(PushedRequest)
_REFUSED: Final = "The request_uri is unknown, used, expired, or another client's: push the request again."


def keep(realm: str, pushed: PushedRequest) -> Write[str]:
    """Store a pushed request and return its `request_uri`."""
    handle = new_handle()
    keep_until = EpochSeconds(pushed.expires_at + ANSWERED_WITHIN)
    yield from offer(realm, PURPOSE, handle_digest(handle), msgspec.json.encode(pushed), keep_until)
    return PREFIX + handle


def digest_of(request_uri: str) -> str:
    """Return the digest under which a pushed request is stored, empty when this is no reference of ours."""
    handle = request_uri.removeprefix(PREFIX)
    return handle_digest(handle) if handle != request_uri and handle else ""


def look(realm: str, request_uri: str, client_id: str, now: EpochSeconds) -> Read[PushedRequest]:
    """Return the request a reference means. Raises: InvalidRequestUri."""
    found = yield from peek(realm, PURPOSE, digest_of(request_uri), now)
    if not isinstance(found, Redeemable):
        reason = "request_uri.unknown" if found is None else "request_uri.spent"
        raise InvalidRequestUri(_REFUSED, reason=reason)
    pushed = _DECODER.decode(found.payload)
    if pushed.client_id != client_id:
        raise InvalidRequestUri(_REFUSED, reason="request_uri.wrong_client", detail=f"pushed by {pushed.client_id}")
    if pushed.expires_at <= now:
        raise InvalidRequestUri(_REFUSED, reason="request_uri.expired")
    return pushed


def spend(realm: str, digest: str, now: EpochSeconds) -> Write[bool]:
    """Spend a pushed request, or learn that it was answered before. Without a digest there is nothing to spend."""
    if not digest:
        return True
    return isinstance((yield from redeem(realm, PURPOSE, digest, now)), Redeemed)
