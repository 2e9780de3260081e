"""tls_client_auth: the client connects with a certificate that an authority of the realm vouches for."""

from __future__ import annotations

from keystead.core.decisions import Allowed, Check, Credential, Denied
from keystead.core.spec import RFC8705
from keystead.oauth.bindings.certificate import certificate_thumbprint
from keystead.oauth.certificate_names import names_client
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown, refuse
from keystead.oauth.context import ServerContext
from keystead.oauth.landscape import landscape


class TlsClientAuth(ClientAuthentication):
    """A certificate under one of the realm's `client_certificate_authorities`, with the one name the client registered.

    Shape: `client_id` in the request, the certificate in the TLS handshake (`mtls_endpoint_aliases`).
    Does not: compare names loosely. The registered subject is compared value by value, a SAN character by character.
    Spec: RFC 8705 section 2.1.
    """

    method = "tls_client_auth"
    specs = (RFC8705["2.1"],)
    by_certificate = True

    def recognises(self, shown: Shown) -> bool:
        """Return False: a certificate alone does not say for which method it is shown. The registration does."""
        return False

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Check who vouches for the certificate, then whose it is."""
        request = shown.request
        client = await self.registered(shown, shown.text("client_id"), cx)
        realm = (await landscape(cx, request.realm, request.now)).realm
        verdict = cx.certificates.vouched_for(
            request.client_certificate,
            request.client_certificate_chain,
            realm.client_certificate_authorities,
            request.now,
        )
        if isinstance(verdict, Allowed):
            verdict = names_client(request.client_certificate, client)
        if isinstance(verdict, Denied):
            raise refuse(verdict.reason, f"client {client.id}: {verdict.detail}")
        passed = Check("client_authentication", True, "a certificate of the realm's authorities names the client")
        thumbprint = certificate_thumbprint(request)
        return Caller(
            client, self.method, Credential("certificate", client_id=client.id, token_id=thumbprint), (passed,)
        )
