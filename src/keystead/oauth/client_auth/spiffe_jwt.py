"""spiffe_jwt: a workload shows the JWT-SVID its SPIFFE environment gave it."""

from __future__ import annotations

from typing import Any, Final

from keystead.core.decisions import Check, Credential
from keystead.core.jose import jws
from keystead.core.jose.claims import audiences, check_form
from keystead.core.jose.outcomes import Rejected
from keystead.core.records.client import Client
from keystead.core.records.client_vouchers import SpiffeTrustDomain
from keystead.core.records.realm import Realm
from keystead.core.spec import SPIFFE_CLIENT_AUTH
from keystead.core.values import EpochSeconds
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown, refuse
from keystead.oauth.client_keys import ClientKeysUnusable, read_signed
from keystead.oauth.context import ServerContext
from keystead.oauth.profiles import profile_of
from keystead.storage.ports import find, get

JWT_SPIFFE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
SCHEME: Final = "spiffe://"
_TYPES: Final = frozenset({"", "jwt", "jose"})
_LONGEST_LIFE: Final = 3600
_USE: Final = "jwt-svid"


class SpiffeJwt(ClientAuthentication):
    """A JWT-SVID of a trust domain the realm believes, for this issuer alone.

    Shape: `client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-spiffe`,
    `client_assertion=<JWT-SVID>`; sub = the client's `spiffe_id` (or below it, where that ends in `/*`), aud = the
    issuer identifier and nothing else, exp within an hour. `client_id` may be left out where one client has exactly
    this SPIFFE ID.
    Does not: spend it. JWT-SVIDs are cached and shown again while they live; their short life is the bound.
    Spec: draft-ietf-oauth-spiffe-client-auth, SPIFFE JWT-SVID.
    """

    method = "spiffe_jwt"
    specs = (SPIFFE_CLIENT_AUTH["3.2"],)
    events = ("client.svid_refused",)

    def offered(self, realm: Realm) -> bool:
        """Return whether the realm believes any trust domain."""
        return bool(realm.spiffe_trust_domains)

    def recognises(self, shown: Shown) -> bool:
        """Return whether the assertion says it is a JWT-SVID."""
        return shown.text("client_assertion_type") == JWT_SPIFFE

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Check the JWT-SVID with the keys of its trust domain, then whose it is."""
        request, svid = shown.request, shown.text("client_assertion")
        told = (jws.peek_claims_unverified(svid) or {}).get("sub")
        subject = told if isinstance(told, str) else ""
        client = await self._client(subject, shown, cx)
        realm = await cx.store.read(get(Realm, request.realm, request.realm, request.now))
        claims = await _verified(svid, _domain(subject, realm), client, shown, cx)
        if not is_identified(client.spiffe_id, subject):
            raise refuse("client.svid_refused", f"client {client.id} is {client.spiffe_id}, the SVID is another's")
        if audiences(claims) != (cx.issuer(request.realm),):
            raise refuse("client.svid_refused", "the SVID is not for this issuer alone")
        if claims["exp"] - request.now > _LONGEST_LIFE:
            raise refuse("client.svid_refused", f"the SVID lives longer than {_LONGEST_LIFE} s")
        checks = (Check("client_authentication", True, f"the SVID of {subject}, signed by its trust domain"),)
        credential = Credential(
            kind="jwt_svid", subject=subject, client_id=client.id, expires_at=EpochSeconds(claims["exp"])
        )
        return Caller(client, self.method, credential, checks)

    async def _client(self, subject: str, shown: Shown, cx: ServerContext) -> Client:
        client_id, request = shown.text("client_id"), shown.request
        if not client_id and subject:
            found = await cx.store.read(
                find(Client, request.realm, request.now, index="spiffe_id", value=subject, limit=2)
            )
            client_id = found[0].id if len(found) == 1 else ""
        return await self.registered(shown, client_id, cx)


def is_identified(expected: str, subject: str) -> bool:
    """Return whether a SPIFFE ID is the one registered, or below one that ends in `/*`."""
    if expected.endswith("/*"):
        prefix = expected[:-1]
        return subject.startswith(prefix) and len(subject) > len(prefix)
    return bool(expected) and expected == subject


def _domain(subject: str, realm: Realm | None) -> SpiffeTrustDomain:
    name = subject.removeprefix(SCHEME).partition("/")[0] if subject.startswith(SCHEME) else ""
    for domain in realm.spiffe_trust_domains if realm is not None else ():
        if name and domain.name == name:
            return domain
    raise refuse("client.svid_refused", "the SVID is of no trust domain this realm believes")


async def _verified(
    svid: str, domain: SpiffeTrustDomain, client: Client, shown: Shown, cx: ServerContext
) -> dict[str, Any]:
    holder = Client(
        realm=client.realm, id=f"trust domain {domain.name}", jwks=domain.bundle, jwks_uri=domain.bundle_url
    )
    algorithms = profile_of(client).algorithms
    try:
        token = await read_signed(svid, holder, cx, shown.request.now, typ=_TYPES, algorithms=algorithms, use=_USE)
    except ClientKeysUnusable as error:
        raise refuse("client.svid_refused", str(error)) from None
    if isinstance(token, Rejected):
        raise refuse("client.svid_refused", f"{token.reason}: {token.detail}")
    wrong = check_form({"iss": "-"} | token.claims, shown.request.now, ("sub",))
    if wrong is not None:
        raise refuse("client.svid_refused", f"{wrong.reason}: {wrong.detail}")
    return token.claims
