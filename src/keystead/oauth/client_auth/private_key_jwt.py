"""private_key_jwt: the client signs a short assertion with a key only it has."""

from __future__ import annotations

from typing import Any, Final

from keystead.core.decisions import Check, Credential
from keystead.core.jose import jws
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.claims import Expectation, check_claims
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Rejected
from keystead.core.records.client import Client
from keystead.core.spec import OIDC_CORE, RFC7523
from keystead.core.values import EpochSeconds, handle_digest
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown, refuse
from keystead.oauth.context import ServerContext
from keystead.storage.ports import claim

JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE: Final = 600
"""Seconds an assertion may still have to live: as long as its `jti` has to be remembered."""

_TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})
_REQUIRED: Final = ("sub", "jti")
_KEPT: Final = 4096
_PURPOSE: Final = "client_assertion"


class PrivateKeyJwt(ClientAuthentication):
    """A JWT signed by the client, for this issuer alone, good once.

    Shape: `client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer`, `client_assertion=<JWT>`; the
    JWT has iss = sub = client_id, aud = the issuer identifier and nothing else, exp within ten minutes, and a jti.
    Does not: take the token endpoint's URL as audience; an assertion made for one server must not fit another's URL.
    Spec: RFC 7523 section 3, OpenID Connect Core section 9, FAPI 2.0 section 5.3.2.1.
    """

    method = "private_key_jwt"
    specs = (RFC7523["2.2"], RFC7523["3"], OIDC_CORE["9"])
    events = ("client.assertion_refused", "client.assertion_replayed", "client.without_keys")

    def __init__(self) -> None:
        self._key_sets: dict[str, tuple[dict[str, Any], KeySet]] = {}

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return the algorithms an assertion may be signed with."""
        return {"token_endpoint_auth_signing_alg_values_supported": sorted(ALGORITHMS)}

    def recognises(self, shown: Shown) -> bool:
        """Return whether the assertion says it is a client's own."""
        return shown.text("client_assertion_type") == JWT_BEARER

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Check the assertion with the keys of the client it names, then spend its `jti`."""
        request, assertion = shown.request, shown.text("client_assertion")
        named = jws.peek_claims_unverified(assertion) or {}
        claimed = named.get("sub")  # the client is found by `sub`, so `iss` being the client makes both the same
        client = await self.registered(shown, claimed if isinstance(claimed, str) else "", cx)
        token = jws.read(assertion, keys=self._keys(client), typ=_TYPES)
        if isinstance(token, Rejected):
            raise _assertion_refused(token)
        checks = _check(token.claims, client, cx.issuer(request.realm), request.now)
        key, until = _spending_key(client, token.claims), EpochSeconds(token.claims["exp"])
        if not await cx.store.write(lambda: claim(request.realm, _PURPOSE, key, until, request.now)):
            raise refuse("client.assertion_replayed", f"client {client.id} showed one assertion twice")
        passed = Check(
            "client_authentication", True, "signed with the client's registered key, shown for the first time"
        )
        credential = Credential(kind="client_assertion", issuer=client.id, client_id=client.id, expires_at=until)
        return Caller(client, self.method, credential, (*checks, passed))

    def _keys(self, client: Client) -> KeySet:
        """Return the client's keys, read once for as long as its record does not change."""
        name = f"{len(client.realm)}:{client.realm}:{client.id}"
        jwks = client.jwks or {"keys": []}
        kept = self._key_sets.get(name)
        if kept is None or kept[0] != jwks:
            try:
                keys = KeySet.from_jwks(jwks)
            except ValueError as error:
                raise refuse("client.without_keys", f"the keys of client {client.id} cannot be used: {error}") from None
            if len(self._key_sets) >= _KEPT:
                self._key_sets.clear()
            kept = self._key_sets[name] = (jwks, keys)
        return kept[1]


def _check(claims: dict[str, Any], client: Client, issuer: str, now: EpochSeconds) -> tuple[Check, ...]:
    expectation = Expectation(issuer=client.id, audience=issuer, now=now, required=_REQUIRED, only_audience=True)
    checks = check_claims(claims, expectation)
    if isinstance(checks, Rejected):
        raise _assertion_refused(checks)
    if claims["exp"] - now > LONGEST_LIFE:
        raise refuse("client.assertion_refused", f"the assertion lives longer than {LONGEST_LIFE} s")
    return checks


def _spending_key(client: Client, claims: dict[str, Any]) -> str:
    return handle_digest(f"{len(client.id)}:{client.id}:{claims['jti']}")


def _assertion_refused(rejected: Rejected) -> Exception:
    return refuse("client.assertion_refused", f"{rejected.reason}: {rejected.detail}")
