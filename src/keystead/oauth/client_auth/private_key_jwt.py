"""private_key_jwt: the client signs a short assertion with a key only it has."""

from __future__ import annotations

from typing import Any

from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.outcomes import Rejected
from keystead.core.jose.shared_secret import HMAC_ALGORITHMS
from keystead.core.spec import OIDC_CORE, RFC7523
from keystead.oauth.client_assertions import (
    JWT_BEARER,
    TYPES,
    accept_assertion,
    accepted_algorithms,
    assertion_refused,
    named_algorithm,
    named_client,
)
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown, refuse
from keystead.oauth.client_keys import ClientKeysUnusable, read_signed
from keystead.oauth.context import ServerContext
from keystead.oauth.profiles import profile_of


class PrivateKeyJwt(ClientAuthentication):
    """A JWT signed by the client, for this issuer alone, good once.

    The keys are those of the client's `jwks` or at its `jwks_uri`; the algorithm is its
    `token_endpoint_auth_signing_alg` if it registered one, and always one its profile admits.
    Spec: RFC 7523 section 3, OpenID Connect Core section 9, FAPI 2.0 section 5.3.2.1.
    """

    method = "private_key_jwt"
    specs = (RFC7523["2.2"], RFC7523["3"], OIDC_CORE["9"])
    events = ("client.assertion_refused", "client.assertion_replayed", "client.without_keys")

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return the algorithms an assertion may be signed with; `client_secret_jwt` has its own beside them."""
        return {"token_endpoint_auth_signing_alg_values_supported": sorted(ALGORITHMS | HMAC_ALGORITHMS)}

    def recognises(self, shown: Shown) -> bool:
        """Return whether the assertion says it is a client's own and is not made with a secret."""
        return shown.text("client_assertion_type") == JWT_BEARER and named_algorithm(shown) not in HMAC_ALGORITHMS

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Check the assertion with the keys of the client it names, then spend its `jti`."""
        client = await self.registered(shown, named_client(shown), cx)
        algorithms = accepted_algorithms(client, profile_of(client).algorithms)
        try:
            token = await read_signed(
                shown.text("client_assertion"), client, cx, shown.request.now, typ=TYPES, algorithms=algorithms
            )
        except ClientKeysUnusable as error:
            raise refuse("client.without_keys", str(error)) from None
        if isinstance(token, Rejected):
            raise assertion_refused(token)
        return await accept_assertion(client, token.claims, shown, cx, self.method)
