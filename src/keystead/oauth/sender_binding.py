"""Binding a token to a key of its sender: DPoP (RFC 9449) and mTLS (RFC 8705) meet the pipeline here.

Flow: `bind_sender` finds what the request proves and refuses when the client must prove more -> the pipeline puts
`confirmation` into the access token; the code compares `text`, and so do the refresh tokens of a public client.
Does not: bind a confidential client's refresh tokens: its authentication guards them (RFC 9449 section 5).
Spec: RFC 9449 sections 5 and 10, RFC 8705 sections 3 and 4.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.errors import InvalidDpopProof, InvalidRequest
from keystead.core.http import NO_STORE, Headers, Request
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.tokens import AccessClaims, Confirmation
from keystead.oauth.bindings.certificate import certificate_thumbprint
from keystead.oauth.bindings.dpop import demands_nonce, proven_key, shows_proof
from keystead.oauth.context import ServerContext
from keystead.oauth.profiles import profile_of

JKT: Final = "jkt"
X5T: Final = "x5t#S256"


class SenderBinding(msgspec.Struct, frozen=True):
    """The key a sender proved to hold.

    `member` is the member of `cnf` it goes into (`jkt` or `x5t#S256`), `thumbprint` its value; both empty for a bearer.
    `next_nonce` is the nonce for the sender's next DPoP proof, empty when it has it already or needs none.
    """

    member: str = ""
    thumbprint: str = ""
    next_nonce: str = ""

    @property
    def text(self) -> str:
        """The binding as one text, to store and compare: `jkt:...`, `x5t#S256:...`, or empty for a bearer."""
        return f"{self.member}:{self.thumbprint}" if self.member else ""

    @property
    def confirmation(self) -> Confirmation | None:
        """The `cnf` claim of a token bound to it; None for a bearer."""
        if self.member == JKT:
            return Confirmation(jkt=self.thumbprint)
        return Confirmation(x5t_s256=self.thumbprint) if self.member else None

    @property
    def token_type(self) -> str:
        """The `token_type` of a token bound to it. Spec: RFC 9449 section 5, RFC 8705 section 3."""
        return "DPoP" if self.member == JKT else "Bearer"

    @property
    def headers(self) -> Headers:
        """The headers of the reply: never cached, and the next nonce where there is one. Spec: RFC 9449 section 8.2."""
        return (*NO_STORE, (b"dpop-nonce", self.next_nonce.encode())) if self.next_nonce else NO_STORE


BEARER: Final = SenderBinding()


def token_type_of(claims: AccessClaims) -> str:
    """Return the `token_type` of an access token. Spec: RFC 9449 section 6.2."""
    return "DPoP" if claims.cnf is not None and claims.cnf.jkt else "Bearer"


def family_binding(client_id: str, binding: str) -> str:
    """Return what a refresh family is bound to: the client, and the key (`SenderBinding.text`) if there is one."""
    return f"{len(client_id)}:{client_id}:{binding}"


async def bind_sender(request: Request, client: Client, realm: Realm, cx: ServerContext) -> SenderBinding:
    """Return the key the request proves, or the bearer where the client may be one.

    A proof binds whoever sends it; a certificate binds only whom its settings say, for it may just authenticate.
    Raises: InvalidDpopProof, UseDpopNonce, InvalidRequest when a proof or certificate is demanded and missing.
    """
    if client.tls_client_certificate_bound_access_tokens:
        return _bind_certificate(request)
    shown = await shown_key(request, client, realm, cx)
    if shown is not BEARER or not profile_of(client).sender_constrained:
        return shown
    if client.dpop_bound_access_tokens:
        raise InvalidDpopProof("this client must send a DPoP proof", reason="dpop.missing")
    return _bind_certificate(request)


async def shown_key(request: Request, client: Client, realm: Realm, cx: ServerContext) -> SenderBinding:
    """Return the key a DPoP proof proves, or the bearer: what an authorization request binds its code to.

    Raises: InvalidDpopProof, UseDpopNonce. Spec: RFC 9449 section 10.1.
    """
    proven = await proven_key(request, cx, nonce_demanded=demands_nonce(realm, client))
    return BEARER if proven is None else SenderBinding(JKT, proven.thumbprint, proven.next_nonce)


def _bind_certificate(request: Request) -> SenderBinding:
    if shows_proof(request):
        raise InvalidRequest(
            "this client's tokens are bound to its certificate: leave out the DPoP header",
            reason="binding.contradiction",
        )
    thumbprint = certificate_thumbprint(request)
    if not thumbprint:
        raise InvalidRequest(
            "this client's tokens are bound to its key: connect with its certificate (see mtls_endpoint_aliases), "
            "or send a DPoP proof where it is not registered for certificates",
            reason="certificate.missing",
        )
    return SenderBinding(X5T, thumbprint)
