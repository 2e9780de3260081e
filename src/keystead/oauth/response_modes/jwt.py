"""The answer as one JWT, signed by us and encrypted where the client wants it."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from keystead.core.http import Reply
from keystead.core.jose import jws
from keystead.core.spec import FAPI2_MESSAGE_SIGNING, JARM, Section
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
        return await self._carrier.reply(await sealed(response, cx), cx)


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
    return msgspec.structs.replace(response, parameters=(("response", token),))
