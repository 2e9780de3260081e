"""How an OAuth error becomes an HTTP reply: the JSON document, the status, and the challenge where one is due.

Does not: log. Whoever took the decision records it with its `reason`; the reply carries only public words.
"""

from __future__ import annotations

from typing import Final

from keystead.core.attestation_errors import UseAttestationChallenge
from keystead.core.errors import (
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidClient,
    InvalidDpopProof,
    InvalidToken,
    OAuthError,
    StorageError,
    TemporarilyUnavailable,
    UseDpopNonce,
)
from keystead.core.http import NO_STORE, Headers, Reply, Request, json_reply
from keystead.core.jose.dpop import DPOP_ALGORITHMS

NO_TOKEN: Final = "access_token.missing"  # noqa: S105 - a reason slug
"""Reason of an `InvalidToken` for a request that brought no credentials: its challenge carries no error code."""

_UNWANTED: Final = dict.fromkeys((34, 92), "'")
_BASIC: Final = (b"www-authenticate", b'Basic realm="keystead", charset="UTF-8"')
_BEARER_ERRORS: Final = (InvalidToken, InsufficientScope, InsufficientUserAuthentication)
_PROOF_ERRORS: Final = (InvalidDpopProof, UseDpopNonce)
_ALGORITHMS: Final = " ".join(sorted(DPOP_ALGORITHMS))
_UNAUTHORIZED: Final = 401


def error_reply(error: OAuthError) -> Reply:
    """Return the reply to an error: never cached, never more than code and description.

    Shape: `{"error": ..., "error_description": ...}`.
    Spec: RFC 6749 section 5.2, RFC 6750 section 3.
    """
    description = public_text(error.description)
    document = {"error": error.code, "error_description": description}
    return json_reply(document, status=error.status, headers=(*NO_STORE, *_challenge(error, description)))


def resource_error_reply(error: OAuthError, request: Request) -> Reply:
    """Return the reply of a protected resource to an error, challenging for a token in the scheme it was shown with.

    A proof that fails is a 401 there. The DPoP challenge names the algorithms; who showed no token, or a bound one as
    Bearer, gets both challenges.
    Spec: RFC 6750 section 3, RFC 9449 sections 7.1, 7.2 and 9.
    """
    proof = isinstance(error, _PROOF_ERRORS)
    if not proof and not isinstance(error, _BEARER_ERRORS):
        return error_reply(error)
    description = public_text(error.description)
    shown = "" if error.reason == NO_TOKEN else f', error="{error.code}", error_description="{description}"'
    by_proof = proof or any(
        name == b"authorization" and value[:5].lower() == b"dpop " for name, value in request.headers
    )
    if by_proof:
        challenge = f'DPoP realm="keystead"{shown}, algs="{_ALGORITHMS}"'
    else:
        challenge = f'Bearer realm="keystead"{shown}, DPoP algs="{_ALGORITHMS}"'
    headers = (*NO_STORE, (b"www-authenticate", challenge.encode()), *_nonce(error))
    document = {"error": error.code, "error_description": description}
    return json_reply(document, status=_UNAUTHORIZED if proof else error.status, headers=headers)


def storage_failed(error: StorageError) -> TemporarilyUnavailable:
    """Return what a storage failure is to the caller: a 503, and nothing was acknowledged."""
    return TemporarilyUnavailable("try again in a moment", reason="storage.unavailable", detail=str(error))


def public_text(description: str) -> str:
    """Return a description in the characters an error_description may have: printable ASCII, no quote or backslash."""
    if description.isascii() and description.isprintable():
        return description.translate(_UNWANTED)
    return "".join(letter if " " <= letter <= "~" else "?" for letter in description).translate(_UNWANTED)


def _challenge(error: OAuthError, description: str) -> Headers:
    if isinstance(error, InvalidClient):
        return (_BASIC,)
    if isinstance(error, UseDpopNonce):
        return _nonce(error)
    if isinstance(error, UseAttestationChallenge):
        return ((b"oauth-client-attestation-challenge", error.challenge.encode()),)
    if isinstance(error, TemporarilyUnavailable):
        return ((b"retry-after", b"1"),)
    if not isinstance(error, _BEARER_ERRORS):
        return ()
    if error.reason == NO_TOKEN:
        return ((b"www-authenticate", b'Bearer realm="keystead"'),)
    challenge = f'Bearer realm="keystead", error="{error.code}", error_description="{description}"'
    return ((b"www-authenticate", challenge.encode()),)


def _nonce(error: OAuthError) -> Headers:
    return ((b"dpop-nonce", error.nonce.encode()),) if isinstance(error, UseDpopNonce) else ()
