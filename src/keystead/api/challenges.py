"""What the authorization API answers whom it does not admit: a challenge for OAuth clients, a code for OpenFGA's SDKs.

Shape: `{"code": "bearer_token_missing", "message": ...}` under the status and `WWW-Authenticate` of RFC 6750 section 3.
The codes are those of OpenFGA's `AuthErrorCode` and `ForbiddenErrorCode` (1002 to 1600), which its SDKs map to their
exceptions by the status.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.errors import InsufficientScope, InvalidDpopProof, InvalidRequest, OAuthError, UseDpopNonce
from keystead.core.http import Headers, Reply, Request
from keystead.oauth.errors import NO_TOKEN, public_text, resource_error_reply

_INVALID_CLAIMS: Final = "invalid_claims"
_BY_REASON: Final = {
    NO_TOKEN: "bearer_token_missing",
    "access_token.audience": "auth_failed_invalid_audience",
    "access_token.issuer": "auth_failed_invalid_issuer",
    "access_token.not_ours": "auth_failed_invalid_bearer_token",
}
_BY_KIND: Final[tuple[tuple[type[OAuthError], str], ...]] = (
    (InsufficientScope, "forbidden"),
    (InvalidDpopProof, "unauthenticated"),
    (UseDpopNonce, "unauthenticated"),
    (InvalidRequest, "validation_error"),
)


def refusal(error: OAuthError, request: Request, scope: str = "") -> Reply:
    """Return the reply to a request whose token is missing, not good, or does not go far enough."""
    reply = resource_error_reply(error, request)
    document = {"code": _code(error), "message": public_text(error.description)}
    headers = _naming(scope, reply.headers) if isinstance(error, InsufficientScope) and scope else reply.headers
    return Reply(reply.status, headers, msgspec.json.encode(document))


def _code(error: OAuthError) -> str:
    by_kind = next((code for kind, code in _BY_KIND if isinstance(error, kind)), _INVALID_CLAIMS)
    return _BY_REASON.get(error.reason, by_kind)


def _naming(scope: str, headers: Headers) -> Headers:
    """Say in the challenge which scope is needed. Spec: RFC 6750 section 3."""
    first = f'error="insufficient_scope", scope="{scope}"'.encode()
    return tuple(
        (name, value.replace(b'error="insufficient_scope"', first, 1) if name == b"www-authenticate" else value)
        for name, value in headers
    )
