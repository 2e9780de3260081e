"""Assertions of other issuers: whose they are, whether they are good, and whom they are about here.

Flow: the issuer an assertion names chooses the entries that speak of it, no more; each entry verifies it with its own
keys and algorithms, holds its own rules and conditions against it, and exactly one may fit.
Does not: take a key or an address from the assertion (`jku`, `x5u`, `jwk` are refused at the door), or create accounts.
Spec: RFC 7521 sections 5.1 and 5.2, RFC 7523 section 3, RFC 8725 sections 3.8 to 3.10.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.claim_conditions import check_condition
from keystead.core.decisions import Check, Credential, Denied
from keystead.core.jose import jws
from keystead.core.jose.claims import LEEWAY, Expectation, audiences, check_claims
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Rejected, VerifiedToken
from keystead.core.records.trusted_issuer import TrustedIssuer
from keystead.core.values import EpochSeconds, handle_digest
from keystead.oauth.context import ServerContext
from keystead.oauth.remote_documents import Document, NotFetched, RemoteDocuments
from keystead.storage.ports import Write, claim, find

ID_JAG_TYPE: Final = "oauth-id-jag+jwt"
PURPOSE: Final = "assertion"

_PLAIN_TYPES: Final = frozenset({"", "jwt"})
_JAG_TYPES: Final = frozenset({ID_JAG_TYPE})
_JAG_CLAIMS: Final = ("sub", "jti", "iat", "client_id")
_RSA: Final = frozenset({"RS256", "PS256"})
_RETRIED: Final = frozenset({"jwt.key_unknown", "jwt.signature", "jwt.algorithm"})
_KEPT: Final = 1024

_key_documents: Final = RemoteDocuments(accept="application/jwk-set+json, application/json")
_metadata: Final = RemoteDocuments()
_key_sets: Final[dict[tuple[str, str, frozenset[str]], tuple[dict[str, Any], KeySet]]] = {}


class Asserted(msgspec.Struct, frozen=True):
    """An assertion that is believed, the entry that believes it, and what was looked at."""

    entry: TrustedIssuer
    claims: dict[str, Any]
    checks: tuple[Check, ...]

    @property
    def credential(self) -> Credential:
        """Return what was shown, for the audit."""
        subject = self.claims["sub"]
        return Credential(kind="assertion", issuer=self.entry.issuer, subject=subject, expires_at=self.claims["exp"])


async def read_assertion(assertion: str, realm: str, cx: ServerContext, now: EpochSeconds) -> Asserted | Denied:
    """Return what another issuer asserts, or why it is not believed. Spends nothing."""
    issuer = (jws.peek_claims_unverified(assertion) or {}).get("iss")
    if not isinstance(issuer, str) or not issuer:
        return Denied("assertion.malformed", "not a signed assertion that names its issuer")
    entries = await cx.store.read(find(TrustedIssuer, realm, now, index="issuer", value=issuer))
    refusal = Denied("assertion.unknown_issuer", f"no trusted issuer of realm {realm} is {issuer[:200]}")
    believed: list[Asserted] = []
    for entry in entries:
        outcome = await _judge(assertion, entry, cx, now) if entry.enabled else refusal
        if isinstance(outcome, Denied):
            refusal = outcome
        else:
            believed.append(outcome)
    if len(believed) > 1:
        names = ", ".join(asserted.entry.id for asserted in believed)
        return Denied("assertion.ambiguous", f"several trusted issuers take it: {names}; narrow their conditions")
    return believed[0] if believed else refusal


async def _judge(assertion: str, entry: TrustedIssuer, cx: ServerContext, now: EpochSeconds) -> Asserted | Denied:
    try:
        token = await _verify(assertion, entry, cx, now)
    except (NotFetched, ValueError) as error:
        return Denied("assertion.no_keys", f"{entry.id}: its keys cannot be had: {error}")
    if isinstance(token, Rejected):
        return Denied("assertion.refused", f"{entry.id}: {token.reason}: {token.detail}")
    claims = token.claims
    wanted = entry.audiences or (cx.issuer(entry.realm),)
    expected = next((one for one in wanted if one in audiences(claims)), wanted[0])
    required = _JAG_CLAIMS if entry.id_jag else ("sub",) if entry.reusable else ("sub", "jti")
    expectation = Expectation(
        issuer=entry.issuer, audience=expected, now=now, required=required, only_audience=entry.id_jag
    )
    checks = check_claims(claims, expectation)
    if isinstance(checks, Rejected):
        return Denied("assertion.refused", f"{entry.id}: {checks.reason}: {checks.detail}")
    if len(audiences(claims)) != 1:
        return Denied("assertion.several_audiences", f"{entry.id}: the assertion is meant for others too")
    if claims["exp"] - min(claims.get("iat", now), now) > entry.maximum_lifetime + LEEWAY:
        return Denied("assertion.too_long", f"{entry.id}: it lives longer than {entry.maximum_lifetime} s")
    conditions = tuple(check_condition(condition, claims) for condition in entry.conditions)
    failed = next((check for check in conditions if not check.passed), None)
    if failed is not None:
        return Denied("assertion.condition", f"{entry.id}: {failed.why}")
    return Asserted(entry, claims, (*checks, *conditions, Check("trusted_issuer", True, entry.id)))


async def _verify(
    assertion: str, entry: TrustedIssuer, cx: ServerContext, now: EpochSeconds
) -> VerifiedToken | Rejected:
    """Verify with the entry's own keys, looking once for newer ones where theirs are fetched."""
    header = jws.peek_header_unverified(assertion)
    named = header.algorithm if header is not None else ""
    accepted = frozenset(entry.algorithms) - (_RSA - {named})
    typ = _JAG_TYPES if entry.id_jag else _PLAIN_TYPES
    if entry.jwks is not None:
        return jws.read(assertion, keys=_keys(entry, entry.jwks, accepted), typ=typ)
    url = await _keys_url(entry, cx, now)
    document = await _key_documents.get(url, cx.outbound, now)
    outcome = jws.read(assertion, keys=_keys(entry, document.members, accepted), typ=typ)
    if not isinstance(outcome, Rejected) or outcome.reason not in _RETRIED:
        return outcome
    newer: Document | None = await _key_documents.newer(url, document, cx.outbound, now)
    return outcome if newer is None else jws.read(assertion, keys=_keys(entry, newer.members, accepted), typ=typ)


async def _keys_url(entry: TrustedIssuer, cx: ServerContext, now: EpochSeconds) -> str:
    """Return where the keys are. A discovery document must be its issuer's own. Raises: ValueError, NotFetched."""
    if entry.jwks_uri:
        return entry.jwks_uri
    if not entry.discovery:
        raise ValueError("the entry names no keys")
    url = f"{entry.issuer.rstrip('/')}/.well-known/openid-configuration"
    document = await _metadata.get(url, cx.outbound, now)
    found = document.members.get("jwks_uri")
    if document.members.get("issuer") != entry.issuer or not isinstance(found, str):
        raise ValueError("its discovery document names another issuer, or no jwks_uri")
    return found


def _keys(entry: TrustedIssuer, members: dict[str, Any], algorithms: frozenset[str]) -> KeySet:
    name = (entry.realm, entry.id, algorithms)
    kept = _key_sets.get(name)
    if kept is None or (kept[0] is not members and kept[0] != members):
        if len(_key_sets) >= _KEPT:
            _key_sets.clear()
        kept = _key_sets[name] = (members, KeySet.from_jwks(members, algorithms=algorithms))
    return kept[1]


def spend_assertion(asserted: Asserted, now: EpochSeconds) -> Write[bool]:
    """Spend an assertion's `jti`. False: it was shown before. A reusable one is never spent."""
    entry, claims = asserted.entry, asserted.claims
    if entry.reusable:
        return True
    key = handle_digest(f"{len(entry.issuer)}:{entry.issuer}:{claims['jti']}")
    until = EpochSeconds(claims["exp"] + LEEWAY)
    return (yield from claim(entry.realm, PURPOSE, key, until, now))
