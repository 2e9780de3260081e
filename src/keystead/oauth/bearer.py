"""The access token a request shows to a resource of ours, found in exactly one place.

Spec: RFC 6750 section 2, RFC 9449 section 7.1. Does not: read the query (section 2.3), or check the token.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.errors import InvalidRequest, InvalidToken
from keystead.core.forms import parse_parameters, read_body
from keystead.core.http import Request
from keystead.oauth.errors import NO_TOKEN

_LONGEST: Final = 16_384
_TOKEN68: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="


BEARER: Final = "bearer"
DPOP: Final = "dpop"


class ShownToken(msgspec.Struct, frozen=True):
    """An access token, and the authentication scheme it was shown with: `bearer` or `dpop`."""

    token: str
    scheme: str = BEARER


_NOTHING: Final = ShownToken("")


def bearer_token(request: Request) -> str:
    """Return the bearer token of a request to a resource that takes no bound tokens.

    Raises: InvalidToken when there is none; InvalidRequest when there are two, or one in the query.
    """
    shown = shown_token(request)
    if shown.scheme != BEARER:
        raise InvalidToken("send an access token: Authorization: Bearer TOKEN", reason=NO_TOKEN)
    return shown.token


def header_token(request: Request) -> str:
    """Return the bearer token of the Authorization header, for requests whose body is no form. Raises: InvalidToken."""
    try:
        shown = _from_header(request.header(b"authorization"))
    except ValueError:
        raise InvalidRequest("the Authorization header is repeated", reason="access_token.repeated") from None
    if not shown.token or shown.scheme != BEARER:
        raise InvalidToken("send a token: Authorization: Bearer TOKEN", reason=NO_TOKEN)
    return shown.token


def shown_token(request: Request) -> ShownToken:
    """Return the token of the Authorization header, or of the form body of a POST (which is a bearer's way).

    Raises: InvalidToken when there is none; InvalidRequest when there are two, or one in the query.
    """
    if b"access_token" in request.query and "access_token" in parse_parameters(request.query):
        raise InvalidRequest(
            "an access token in the URL ends in logs and is not accepted: use the Authorization header",
            reason="access_token.in_query",
        )
    try:
        authorization = request.header(b"authorization")
    except ValueError:
        raise InvalidRequest("the Authorization header is repeated", reason="access_token.repeated") from None
    posted = ""
    if request.method == "POST" and request.body:
        value = read_body(request).get("access_token", "")
        posted = value if isinstance(value, str) else ""
    if authorization is not None and posted:
        raise InvalidRequest("show the access token once: in the header or in the body", reason="access_token.repeated")
    shown = ShownToken(posted) if posted else _from_header(authorization)
    if not shown.token:
        raise InvalidToken("send an access token: Authorization: Bearer TOKEN, or DPoP TOKEN", reason=NO_TOKEN)
    return shown


def token_in_header(request: Request) -> ShownToken:
    """Return the token of the Authorization header, for resources whose bodies are no forms.

    Raises: InvalidToken when there is none; InvalidRequest when the header is repeated or a token is in the query.
    """
    if b"access_token" in request.query and "access_token" in parse_parameters(request.query):
        raise InvalidRequest(
            "an access token in the URL ends in logs and is not accepted: use the Authorization header",
            reason="access_token.in_query",
        )
    try:
        shown = _from_header(request.header(b"authorization"))
    except ValueError:
        raise InvalidRequest("the Authorization header is repeated", reason="access_token.repeated") from None
    if not shown.token:
        raise InvalidToken("send an access token: Authorization: Bearer TOKEN, or DPoP TOKEN", reason=NO_TOKEN)
    return shown


def _from_header(authorization: bytes | None) -> ShownToken:
    if authorization is None or len(authorization) > _LONGEST:
        return _NOTHING
    scheme, _, token = authorization.partition(b" ")
    name = scheme.lower().decode("latin-1")
    if name not in (BEARER, DPOP) or token.translate(None, _TOKEN68):
        return _NOTHING
    return ShownToken(token.decode("ascii"), name)
