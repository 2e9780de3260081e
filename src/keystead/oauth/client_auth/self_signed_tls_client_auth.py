"""self_signed_tls_client_auth: the client connects with the very certificate it registered."""

from __future__ import annotations

from keystead.core.decisions import Check, Credential, Denied
from keystead.core.spec import RFC8705
from keystead.oauth.bindings.certificate import thumbprint_of
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown, refuse
from keystead.oauth.client_keys import ClientKeysUnusable, certificates_of
from keystead.oauth.context import ServerContext


class SelfSignedTlsClientAuth(ClientAuthentication):
    """A certificate that is among the client's `jwks` (`x5c` or `x5t#S256` of a key), or at its `jwks_uri`.

    Shape: `client_id` in the request, the certificate in the TLS handshake (`mtls_endpoint_aliases`).
    Does not: ask who signed it. The registration vouches for it, for as long as it is valid.
    Spec: RFC 8705 section 2.2.
    """

    method = "self_signed_tls_client_auth"
    specs = (RFC8705["2.2"],)
    events = ("certificate.unregistered", "client.without_keys")
    by_certificate = True

    def recognises(self, shown: Shown) -> bool:
        """Return False: a certificate alone does not say for which method it is shown. The registration does."""
        return False

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Look for the certificate among those registered."""
        request = shown.request
        client = await self.registered(shown, shown.text("client_id"), cx)
        verdict = cx.certificates.valid_now(request.client_certificate, request.now)
        if isinstance(verdict, Denied):
            raise refuse(verdict.reason, f"client {client.id}: {verdict.detail}")
        thumbprint = thumbprint_of(request.client_certificate)
        try:
            registered = await certificates_of(client, cx, request.now, wanted=thumbprint)
        except ClientKeysUnusable as error:
            raise refuse("client.without_keys", str(error)) from None
        if thumbprint not in registered:
            raise refuse("certificate.unregistered", f"client {client.id} did not register this certificate")
        passed = Check("client_authentication", True, "the certificate is the one the client registered")
        return Caller(
            client, self.method, Credential("certificate", client_id=client.id, token_id=thumbprint), (passed,)
        )
