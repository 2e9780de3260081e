"""Does whoever shows an access token hold the key it is bound to?

Spec: RFC 9449 sections 7.1 and 7.2, RFC 8705 section 3.
"""

from __future__ import annotations

from hmac import compare_digest

from keystead.core.errors import InvalidDpopProof, InvalidToken
from keystead.core.http import Headers, Request
from keystead.core.tokens import AccessClaims
from keystead.oauth.bearer import DPOP, ShownToken
from keystead.oauth.bindings.certificate import certificate_thumbprint
from keystead.oauth.bindings.dpop import proven_key
from keystead.oauth.context import ServerContext


async def require_holder(
    shown: ShownToken, claims: AccessClaims, request: Request, cx: ServerContext, *, nonce_demanded: bool = False
) -> Headers:
    """Demand that the sender proves the key a token is bound to, and the scheme that goes with it.

    Answer: headers for the reply: the next nonce, where one is due.
    Raises: InvalidToken, InvalidDpopProof, UseDpopNonce.
    """
    confirmation = claims.cnf
    if confirmation is not None and confirmation.x5t_s256:
        _require_certificate(confirmation.x5t_s256, request)
    if confirmation is not None and not (confirmation.jkt or confirmation.x5t_s256):
        raise InvalidToken("the access token is bound in a way that is not known here", reason="token.confirmation")
    if confirmation is None or not confirmation.jkt:
        if shown.scheme == DPOP:
            raise InvalidToken("the access token is not bound to a DPoP key: show it as Bearer", reason="dpop.unbound")
        return ()
    if shown.scheme != DPOP:
        raise InvalidToken(
            "the access token is bound to a key: show it with the DPoP scheme and a proof", reason="dpop.as_bearer"
        )
    proven = await proven_key(request, cx, nonce_demanded=nonce_demanded, access_token=shown.token)
    if proven is None:
        raise InvalidDpopProof("send a DPoP proof with the access token", reason="dpop.missing")
    if not compare_digest(proven.thumbprint, confirmation.jkt):
        raise InvalidToken("the access token is bound to another key than the proof's", reason="dpop.other_key")
    return ((b"dpop-nonce", proven.next_nonce.encode()),) if proven.next_nonce else ()


def _require_certificate(thumbprint: str, request: Request) -> None:
    shown = certificate_thumbprint(request)
    if not shown:
        raise InvalidToken(
            "the access token is bound to a certificate: connect with it (see mtls_endpoint_aliases)",
            reason="certificate.missing",
        )
    if not compare_digest(shown, thumbprint):
        raise InvalidToken("the access token is bound to another certificate", reason="certificate.other")
