"""none: a public client, which proves nothing but what PKCE proves for it."""

from __future__ import annotations

from typing import Final

from keystead.core.decisions import Check, Credential
from keystead.core.spec import OIDC_CORE, RFC6749
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown
from keystead.oauth.context import ServerContext

_CHECKS: Final = (Check("client_authentication", True, "a public client: only PKCE binds the code to it"),)


class NoAuthentication(ClientAuthentication):
    """A `client_id` and nothing else, for a client registered as public.

    Does not: let a confidential client leave its secret out; its registered method is another.
    """

    method = "none"
    specs = (RFC6749["2.1"], OIDC_CORE["9"])

    def recognises(self, shown: Shown) -> bool:
        """Return whether the request names a client and shows no credential."""
        credentials = {"client_secret", "client_assertion", "client_assertion_type"} & shown.parameters.keys()
        return (
            shown.authorization is None and not shown.attested and not credentials and "client_id" in shown.parameters
        )

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Return the public client that is named."""
        client = await self.registered(shown, shown.text("client_id"), cx)
        return Caller(client, self.method, Credential(kind="none", client_id=client.id), _CHECKS)
