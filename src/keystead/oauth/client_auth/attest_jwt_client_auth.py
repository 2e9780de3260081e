"""attest_jwt_client_auth: the app's backend vouches for one instance of it, and the instance proves its key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from keystead.core.attestation_errors import UseAttestationChallenge
from keystead.core.decisions import Check, Credential
from keystead.core.jose import jws
from keystead.core.jose.algorithms import ALGORITHMS, public_from_jwk
from keystead.core.jose.claims import Expectation, check_claims, check_form
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Rejected
from keystead.core.jose.thumbprint import thumbprint
from keystead.core.records.client import Client
from keystead.core.records.client_vouchers import ClientAttester
from keystead.core.records.realm import Realm
from keystead.core.spec import CLIENT_ATTESTATION
from keystead.core.values import EpochSeconds, handle_digest
from keystead.oauth.attestation_challenge import fresh_challenge, is_fresh
from keystead.oauth.client_authentication import ATTESTATION_HEADER, Caller, ClientAuthentication, Shown, refuse
from keystead.oauth.client_keys import ClientKeysUnusable, read_signed
from keystead.oauth.context import ServerContext
from keystead.oauth.profiles import profile_of
from keystead.storage.ports import claim, get

PROOF_HEADER: Final = b"oauth-client-attestation-pop"
_TYPES: Final = frozenset({"oauth-client-attestation+jwt"})
_PROOF_TYPES: Final = frozenset({"oauth-client-attestation-pop+jwt"})
_PURPOSE: Final = "client_attestation_pop"
_OLDEST: Final = 300
_FAR: Final = 1 << 39


class AttestedClient(ClientAuthentication):
    """A client attestation with a proof of possession, each in a header of its own.

    Shape: `OAuth-Client-Attestation`: a JWT of an attester this client names: sub = client_id, exp, cnf.jwk.
    `OAuth-Client-Attestation-PoP`: a JWT signed with that key: aud = the issuer identifier, jti good once, iat not
    older than five minutes, and a `challenge` of ours where the realm demands it.
    Its refresh tokens are bound to the instance's key.
    Spec: draft-ietf-oauth-attestation-based-client-auth sections 5, 6 and 10.
    """

    method = "attest_jwt_client_auth"
    specs = (CLIENT_ATTESTATION["5"], CLIENT_ATTESTATION["6"])
    events = ("client.attestation_refused", "client.attestation_replayed", "client.attestation_challenge")

    def offered(self, realm: Realm) -> bool:
        """Return whether the realm believes any attester."""
        return bool(realm.client_attesters)

    def recognises(self, shown: Shown) -> bool:
        """Return whether there is an attestation."""
        return shown.attested

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Check the attestation, then the proof, then spend the proof's `jti`."""
        request = shown.request
        attestation, proof = _header(shown, ATTESTATION_HEADER), _header(shown, PROOF_HEADER)
        told = jws.peek_claims_unverified(attestation) or {}
        named = told.get("sub")
        client = await self.registered(shown, named if isinstance(named, str) else "", cx)
        realm = await cx.store.read(get(Realm, request.realm, request.realm, request.now))
        attester = _attester(client, realm, told.get("iss"))
        claims = await _attested(attestation, attester, client, shown, cx)
        instance, key = _instance(claims, proof, profile_of(client).algorithms)
        proved = _proved(proof, key, client, shown, cx)
        if realm is not None and (realm.require_attestation_challenge or "challenge" in proved):
            _require_challenge(proved, shown, cx)
        until = EpochSeconds(max(proved["iat"], request.now) + _OLDEST + 1)
        spent = handle_digest(f"{len(client.id)}:{client.id}{instance}{proved['jti']}")
        if not await cx.store.write(lambda: claim(request.realm, _PURPOSE, spent, until, request.now)):
            raise refuse("client.attestation_replayed", f"client {client.id} showed one proof twice")
        credential = Credential(
            kind="client_attestation", issuer=attester.name, client_id=client.id, expires_at=claims["exp"]
        )
        checks = (Check("client_authentication", True, f"attester {attester.name} vouches for this instance"),)
        return Caller(client, self.method, credential, checks, instance=instance)


def _header(shown: Shown, name: bytes) -> str:
    found = [value for key, value in shown.request.headers if key == name]
    if len(found) != 1:
        raise refuse("client.attestation_refused", f"the header {name.decode()} is missing or repeated")
    return found[0].decode("latin-1")


def _attester(client: Client, realm: Realm | None, issuer: object) -> ClientAttester:
    for attester in realm.client_attesters if realm is not None else ():
        if attester.name in client.client_attesters and attester.issuer == (issuer or ""):
            return attester
    raise refuse("client.attestation_refused", f"client {client.id} names no attester of this realm that signed it")


async def _attested(
    attestation: str, attester: ClientAttester, client: Client, shown: Shown, cx: ServerContext
) -> Mapping[str, Any]:
    now, algorithms = shown.request.now, profile_of(client).algorithms
    holder = Client(realm=client.realm, id=f"attester {attester.name}", jwks=attester.jwks, jwks_uri=attester.jwks_uri)
    try:
        token = await read_signed(attestation, holder, cx, now, typ=_TYPES, algorithms=algorithms)
    except ClientKeysUnusable as error:
        raise refuse("client.attestation_refused", str(error)) from None
    if isinstance(token, Rejected):
        raise _refused(token)
    # Whom it is for is not said in an attestation; who issued it was settled by choosing the attester.
    wrong = check_form({"iss": "-", "aud": "-"} | token.claims, now, ("sub", "cnf"))
    if wrong is not None:
        raise _refused(wrong)
    return token.claims


def _instance(claims: Mapping[str, Any], proof: str, algorithms: frozenset[str]) -> tuple[str, KeySet]:
    """Return the instance's key by its thumbprint, and as the only key its proof may be signed with."""
    confirmation = claims["cnf"]
    jwk = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    header = jws.peek_header_unverified(proof)
    if not isinstance(jwk, dict) or header is None:
        raise refuse("client.attestation_refused", "the attestation has no cnf.jwk, or the proof is no JWS")
    named = {"kid": header.kid} if header.kid is not None else {}
    narrowed = (algorithms & {header.algorithm}) if jwk.get("kty") == "RSA" else algorithms
    try:
        key = public_from_jwk({**jwk, **named}, algorithms=narrowed & ALGORITHMS)
        return thumbprint(jwk), KeySet((key,))
    except (ValueError, KeyError) as error:
        raise refuse("client.attestation_refused", f"cnf.jwk cannot be used: {error}") from None


def _proved(proof: str, key: KeySet, client: Client, shown: Shown, cx: ServerContext) -> dict[str, Any]:
    now = shown.request.now
    token = jws.read(proof, keys=key, typ=_PROOF_TYPES)
    if isinstance(token, Rejected):
        raise _refused(token)
    issuer = cx.issuer(shown.request.realm)
    expectation = Expectation(issuer=client.id, audience=issuer, now=now, required=("jti", "iat"), only_audience=True)
    # `iss` and `exp` may be left out of a proof; what is there must be right.
    checks = check_claims({"iss": client.id, "exp": _FAR} | token.claims, expectation)
    if isinstance(checks, Rejected):
        raise _refused(checks)
    if token.claims["iat"] < now - _OLDEST:
        raise refuse("client.attestation_refused", f"the proof is older than {_OLDEST} s")
    return token.claims


def _require_challenge(proved: Mapping[str, Any], shown: Shown, cx: ServerContext) -> None:
    challenge = proved.get("challenge")
    if not isinstance(challenge, str) or not is_fresh(challenge, shown.request, cx):
        raise UseAttestationChallenge(
            "put this challenge into the proof and send it again",
            reason="client.attestation_challenge",
            challenge=fresh_challenge(shown.request, cx),
        )


def _refused(rejected: Rejected) -> Exception:
    return refuse("client.attestation_refused", f"{rejected.reason}: {rejected.detail}")
