"""client_secret_jwt: the client shows that it knows its secret without sending it."""

from __future__ import annotations

from keystead.core.jose import shared_secret
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
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown
from keystead.oauth.client_secrets import opened_secrets
from keystead.oauth.context import ServerContext


class ClientSecretJwt(ClientAuthentication):
    """A JWT made with the client's secret (HS256, HS384, HS512), for this issuer alone, good once.

    The secret has to be used, not only compared, so it is stored sealed. Prefer private_key_jwt, where the server
    holds nothing anybody could sign with.
    Spec: OpenID Connect Core section 9, RFC 7523 section 3, RFC 7518 section 3.2.
    """

    method = "client_secret_jwt"
    specs = (RFC7523["2.2"], OIDC_CORE["9"])
    events = ("client.assertion_refused", "client.assertion_replayed")

    def recognises(self, shown: Shown) -> bool:
        """Return whether the assertion says it is a client's own, made with a secret."""
        return shown.text("client_assertion_type") == JWT_BEARER and named_algorithm(shown) in HMAC_ALGORITHMS

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Check the assertion with the secrets of the client it names, then spend its `jti`."""
        client = await self.registered(shown, named_client(shown), cx)
        token = shared_secret.read(
            shown.text("client_assertion"),
            secrets=opened_secrets(client, cx.sealer, shown.request.now),
            algorithms=accepted_algorithms(client, HMAC_ALGORITHMS),
            typ=TYPES,
        )
        if isinstance(token, Rejected):
            raise assertion_refused(token)
        return await accept_assertion(client, token.claims, shown, cx, self.method)
