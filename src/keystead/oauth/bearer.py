"""The bearer token a request shows to a resource of ours, found in exactly one place.

Spec: RFC 6750 section 2. Does not: read the query (section 2.3), or check the token.
"""

from __future__ import annotations

from typing import Final

from keystead.core.errors import InvalidRequest, InvalidToken
from keystead.core.forms import parse_parameters, read_body
from keystead.core.http import Request
from keystead.oauth.errors import NO_TOKEN

_LONGEST: Final = 16_384
_TOKEN68: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="


def bearer_token(request: Request) -> str:
    """Return the token of the Authorization header, or of the form body of a POST.

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
    token = posted or _from_header(authorization)
    if not token:
        raise InvalidToken("send an access token: Authorization: Bearer TOKEN", reason=NO_TOKEN)
    return token


def _from_header(authorization: bytes | None) -> str:
    if authorization is None or authorization[:7].lower() != b"bearer " or len(authorization) > _LONGEST:
        return ""
    token = authorization[7:]
    return "" if token.translate(None, _TOKEN68) else token.decode("ascii")
