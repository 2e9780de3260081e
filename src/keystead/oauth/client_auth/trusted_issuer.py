"""trusted_issuer: a workload or client proves itself by the assertion it brings for tokens. No secret anywhere."""

from __future__ import annotations

from typing import Final

from keystead.core.decisions import Check, Denied
from keystead.core.records.realm import Realm
from keystead.core.records.workload import Workload
from keystead.core.spec import RFC7521, RFC7523
from keystead.oauth.client_auth.workload import own_client
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown, refuse
from keystead.oauth.context import ServerContext
from keystead.oauth.trusted_issuers import read_assertion
from keystead.storage.ports import get

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant
_ASSERTION_TYPES: Final = frozenset(
    {"urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"}
)
_CREDENTIALS: Final = frozenset({"client_id", "client_secret", "client_assertion", "client_assertion_type"})


class TrustedIssuerAuthentication(ClientAuthentication):
    """The assertion of a trusted issuer that speaks for a workload or a client, at the token endpoint.

    Shape: the grant jwt-bearer with `assertion`, or token exchange with `subject_token`, and no client credentials.
    A client it speaks for must be registered with `token_endpoint_auth_method: trusted_issuer`.
    Does not: spend the assertion; the grant does.
    Spec: RFC 7521 section 4.1 (client authentication is optional with an assertion), RFC 7523 section 3.1.
    """

    method = "trusted_issuer"
    specs = (RFC7521["4.1"], RFC7523["3.1"])
    events = ("client.assertion_refused",)

    def offered(self, realm: Realm) -> bool:
        """Return whether the realm trusts another issuer."""
        return "trusted_issuers" in realm.features

    def recognises(self, shown: Shown) -> bool:
        """Return whether the request brings an assertion for tokens and no client credentials."""
        if shown.authorization is not None or _CREDENTIALS & shown.parameters.keys():
            return False
        return shown.request.path.endswith("/token") and bool(_assertion(shown))

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Check the assertion and return whom it speaks for."""
        request = shown.request
        asserted = await read_assertion(_assertion(shown), request.realm, cx, request.now)
        if isinstance(asserted, Denied):
            raise refuse("client.assertion_refused", f"{asserted.reason}: {asserted.detail}")
        entry = asserted.entry
        passed = Check("client_authentication", True, f"trusted issuer {entry.id} speaks for it")
        checks = (*asserted.checks, passed)
        if entry.client:
            client = await self.registered(shown, entry.client, cx)
            return Caller(client, self.method, asserted.credential, checks)
        workload = None
        if entry.workload:
            workload = await cx.store.read(get(Workload, request.realm, entry.workload, request.now))
        if workload is None or not workload.enabled:
            raise refuse("client.assertion_refused", f"{entry.id} speaks for no enabled client or workload")
        own = own_client(workload)
        return Caller(own, self.method, asserted.credential, checks, workload.id)


def _assertion(shown: Shown) -> str:
    grant_type = shown.text("grant_type")
    if grant_type == JWT_BEARER:
        return shown.text("assertion")
    if grant_type == TOKEN_EXCHANGE and shown.text("subject_token_type") in _ASSERTION_TYPES:
        return shown.text("subject_token")
    return ""
