"""client_secret_post: client_id and secret as parameters of the body."""

from __future__ import annotations

from keystead.core.spec import OIDC_CORE, RFC6749
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown
from keystead.oauth.client_secrets import prove_secret
from keystead.oauth.context import ServerContext


class ClientSecretPost(ClientAuthentication):
    """The client's secret in the body. Prefer the header: bodies are logged more often.

    Does not: read the query. A secret in a URL is never looked at.
    """

    method = "client_secret_post"
    family = "client_secret"
    specs = (RFC6749["2.3.1"], OIDC_CORE["9"])
    events = ("client.wrong_secret", "client.secret_expired")

    def recognises(self, shown: Shown) -> bool:
        """Return whether the body carries a secret."""
        return "client_secret" in shown.parameters

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Check the secret of the client the body names."""
        client = await self.registered(shown, shown.text("client_id"), cx)
        return prove_secret(client, shown.text("client_secret"), self.method, shown.request.now)
