"""The bearer token of a request: from the one Authorization header, and from nowhere else.

Spec: RFC 6750 section 2.1; FAPI 2.0 section 5.3.4 (never in a query).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from keystead.sdk.caller import Refused
from keystead.sdk.demand import challenge

_UNAUTHORIZED: Final = 401


def bearer_token(authorizations: Iterable[bytes]) -> str | Refused:
    """Return the token, or the refusal when there is none, more than one, or another scheme.

    `authorizations` are all values of the Authorization header, in any number.
    """
    values = list(authorizations)
    if not values:
        return _nothing_shown("token.missing")
    if len(values) > 1:
        return challenge("token.repeated", "invalid_request", "more than one Authorization header")
    scheme, _, token = values[0].decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        return _nothing_shown("token.scheme")
    token = token.strip(" ")
    if not token or " " in token:
        return challenge("token.malformed", "invalid_request", "the Authorization header carries no bearer token")
    return token


def _nothing_shown(reason: str) -> Refused:
    """Refuse without an error code, as RFC 6750 section 3.1 wants where no bearer token was shown at all."""
    return Refused(
        reason=reason, status=_UNAUTHORIZED, description="this needs a bearer token", www_authenticate="Bearer"
    )
