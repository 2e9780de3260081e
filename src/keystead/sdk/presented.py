"""How a token came: the scheme, the request around it, and what its sender proves to hold.

Spec: RFC 6750 section 2.1, RFC 9449 section 7.1, RFC 8705 section 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from keystead.sdk.caller import Refused
from keystead.sdk.demand import challenge

BEARER: Final = "bearer"
DPOP: Final = "dpop"
_UNAUTHORIZED: Final = 401


class Presented(msgspec.Struct, frozen=True):
    """A token and how it was shown. `proofs` are the values of the DPoP header, `certificate` is DER or empty.

    `path` is the raw path of the request. Does not: say from where the certificate is known; whoever fills this in must
    have it from the TLS connection itself, or from a proxy it trusts.
    """

    token: str
    scheme: str = BEARER
    method: str = ""
    path: str = ""
    proofs: tuple[str, ...] = ()
    certificate: bytes = b""


def shown_token(authorizations: Iterable[bytes]) -> Presented | Refused:
    """Return the token of the one Authorization header and its scheme, or the refusal when there is none.

    `authorizations` are all values of the Authorization header, in any number.
    """
    values = list(authorizations)
    if not values:
        return _nothing_shown("token.missing")
    if len(values) > 1:
        return challenge("token.repeated", "invalid_request", "more than one Authorization header")
    scheme, _, token = values[0].decode("latin-1").partition(" ")
    scheme = scheme.lower()
    if scheme not in (BEARER, DPOP):
        return _nothing_shown("token.scheme")
    token = token.strip(" ")
    if not token or " " in token:
        return challenge("token.malformed", "invalid_request", "the Authorization header carries no token")
    return Presented(token, scheme)


def _nothing_shown(reason: str) -> Refused:
    """Refuse without an error code, as RFC 6750 section 3.1 wants where no token was shown at all."""
    return Refused(
        reason=reason, status=_UNAUTHORIZED, description="this needs a bearer token", www_authenticate="Bearer"
    )
