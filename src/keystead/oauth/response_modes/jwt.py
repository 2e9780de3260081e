"""The answer as one JWT, signed by us and encrypted where the client wants it."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from keystead.core.decisions import Check, Decision
from keystead.core.http import Reply
from keystead.core.jose import jwe, jws
from keystead.core.pages import Problem
from keystead.core.spec import FAPI2_MESSAGE_SIGNING, JARM, Section
from keystead.oauth.client_keys import ClientKeysUnusable, encryption_key_of
from keystead.oauth.context import ServerContext
from keystead.oauth.response_modes.form_post import FormPostMode
from keystead.oauth.response_modes.mode import AuthorizationResponse, ResponseMode
from keystead.oauth.response_modes.query import QueryMode

RESPONSE_LIFETIME: Final = 300
"""Seconds. Spec: JARM section 2.1 (at most ten minutes)."""
_TYPE: Final = "JWT"


class QueryJwtMode(ResponseMode):
    """The JWT in the query of the redirect URI. Spec: JARM section 2.3.1."""

    name: ClassVar[str] = "query.jwt"
    specs: ClassVar[tuple[Section, ...]] = (JARM["2.3.1"], JARM["2.1"], FAPI2_MESSAGE_SIGNING["5.4.1"])
    signed: ClassVar[bool] = True
    _carrier: ClassVar[ResponseMode] = QueryMode()

    async def reply(self, response: AuthorizationResponse, cx: ServerContext) -> Reply:
        """Return the carrier's reply with `response` alone."""
        try:
            return await self._carrier.reply(await sealed(response, cx), cx)
        except ClientKeysUnusable as error:
            return _undeliverable(response, str(error), cx)


class JwtMode(QueryJwtMode):
    """The default for the response type, which for a code is the query. Spec: JARM section 2.3.4."""

    name: ClassVar[str] = "jwt"
    specs: ClassVar[tuple[Section, ...]] = (JARM["2.3.4"],)


class FormPostJwtMode(QueryJwtMode):
    """The JWT in a form that posts itself. Spec: JARM section 2.3.3."""

    name: ClassVar[str] = "form_post.jwt"
    specs: ClassVar[tuple[Section, ...]] = (JARM["2.3.3"],)
    _carrier: ClassVar[ResponseMode] = FormPostMode()


async def sealed(response: AuthorizationResponse, cx: ServerContext) -> AuthorizationResponse:
    """Return the response with everything it says inside one JWT.

    Shape: `iss`, `aud` (the client), `exp`, and the parameters; `iss` is not repeated outside. The algorithm is the
    client's `authorization_signed_response_alg`, else the realm's. Spec: JARM section 2.1, RFC 9207 section 2.4.
    """
    client, now = response.client, response.now
    claims: dict[str, Any] = {
        "iss": cx.issuer(response.realm),
        "aud": client.id,
        "exp": now + RESPONSE_LIFETIME,
        "iat": now,
        **dict(response.parameters),
    }
    signer = await cx.keys.signer(response.realm, now, client.authorization_signed_response_alg)
    token = jws.sign(claims, signer, _TYPE)
    algorithm = client.authorization_encrypted_response_alg
    if algorithm:
        jwk = await encryption_key_of(client, cx, now, algorithm)
        encryption = client.authorization_encrypted_response_enc or jwe.DEFAULT_CONTENT_ENCRYPTION
        token = jwe.encrypt(token.encode(), jwk=jwk, algorithm=algorithm, encryption=encryption)
    return msgspec.structs.replace(response, parameters=(("response", token),))


def _undeliverable(response: AuthorizationResponse, why: str, cx: ServerContext) -> Reply:
    """Return the page for an answer that may only travel encrypted, and cannot be. In the clear it never goes."""
    cx.journal.record(
        Decision(
            action="authorize.answer",
            allowed=False,
            reason="response.not_encrypted",
            trace=response.trace,
            realm=response.realm,
            client_id=response.client.id,
            checks=(Check("encryption", False, why),),
        )
    )
    return cx.pages.problem(
        Problem(
            realm=response.realm,
            title="The application cannot be answered",
            message="It wants its answer encrypted, and the key for that is not to be had.",
            advice="Tell whoever runs the application: its keys must hold one with use=enc for the algorithm it asks.",
            code="server_error",
            status=503,
            reference=response.trace.trace_id,
        )
    )
