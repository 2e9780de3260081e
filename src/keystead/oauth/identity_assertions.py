"""Assertions about people for other authorization servers: what is believed to make one, and what it says.

Flow: a client shows an ID token of ours that was issued to it, its refresh token, or its access token -> the partner
server's record says whether it may -> the pipeline mints, `members_of` says the rest.
Does not: rotate or spend a refresh token. It is looked at as it is, live member of its family or refused.
Spec: draft-ietf-oauth-identity-assertion-authz-grant section 4.3, draft-ietf-oauth-identity-chaining section 2.3.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.decisions import Check, Denied
from keystead.core.errors import InvalidGrant, InvalidRequest, InvalidTarget, UnauthorizedClient
from keystead.core.jose import jws
from keystead.core.jose.claims import Expectation, check_claims
from keystead.core.jose.outcomes import Rejected
from keystead.core.records.account import Account
from keystead.core.records.grant import Grant as GrantRecord
from keystead.core.records.session import Session
from keystead.core.records.trusted_issuer import PartnerServer
from keystead.core.tokens import PERSON_PREFIX, AccessClaims
from keystead.core.values import EpochSeconds, handle_digest
from keystead.oauth.access_tokens import read_access_token
from keystead.oauth.authority import Holding, holding_of
from keystead.oauth.exchange import TokenExchangeForm
from keystead.oauth.grant import Attempt
from keystead.oauth.refresh_tokens import read_refresh_token
from keystead.storage.ports import Read, get, look_at_family

ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a token type
REFRESH_TOKEN: Final = "urn:ietf:params:oauth:token-type:refresh_token"  # noqa: S105 - a token type
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a token type
REFUSAL: Final = "the subject token is not valid: expired, revoked, not about a person, or issued to another client"
LIFETIME: Final = 300


class Witness(msgspec.Struct, frozen=True):
    """What a subject token says of the person, and what it rests on."""

    holding: Holding
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: EpochSeconds = EpochSeconds(0)
    expires_by: EpochSeconds | None = None


async def witness_of(form: TokenExchangeForm, attempt: Attempt, *, signed_in: bool) -> Witness:
    """Return what the subject token says. `signed_in`: it must say that the person signed in to the client, which an
    access token, narrowed or handed on, does not. Raises: InvalidGrant, InvalidRequest.

    Spec: draft-ietf-oauth-identity-assertion-authz-grant section 4.3.
    """
    readers = {ID_TOKEN: _read_id_token, REFRESH_TOKEN: _read_refresh_token}
    if not signed_in:
        readers[ACCESS_TOKEN] = _read_access_token
    reader = readers.get(form.subject_token_type)
    if reader is None:
        raise InvalidRequest(
            f"send an ID token or refresh token of this issuer: subject_token_type={ID_TOKEN}",
            reason="identity_assertion.subject_refused",
        )
    found = await reader(form.subject_token, attempt)
    if isinstance(found, Denied):
        raise InvalidGrant(REFUSAL, reason="identity_assertion.subject_refused", detail=found.detail)
    if not found.holding.subject.startswith(PERSON_PREFIX):
        raise InvalidGrant(REFUSAL, reason="identity_assertion.subject_refused", detail="it is not about a person")
    return found


async def _read_id_token(token: str, attempt: Attempt) -> Witness | Denied:
    """Believe an ID token of ours, made for the client that shows it, of a session that is still to be asked."""
    client, now = attempt.caller.client, attempt.now
    read = jws.read(token, keys=await attempt.cx.keys.key_set(attempt.realm.id, now), typ=frozenset({"jwt"}))
    if isinstance(read, Rejected):
        return Denied("id_token", f"{read.reason}: {read.detail}")
    claims = read.claims
    expectation = Expectation(issuer=attempt.scope_map.issuer, audience=client.id, now=now, required=("sub", "iat"))
    checks = check_claims(claims, expectation)
    if isinstance(checks, Rejected):
        return Denied("id_token", f"{checks.reason}: {checks.detail}")
    person = await attempt.cx.store.read(_person_behind(attempt.realm.id, claims, now))
    if isinstance(person, Denied):
        return person
    return Witness(
        Holding(
            client_id=client.id,
            subject=person.id,
            sid=_text(claims.get("sid")),
            authority_epoch=person.authority_epoch,
        ),
        _text(claims.get("acr")),
        tuple(claims.get("amr") or ()),
        EpochSeconds(claims.get("auth_time") or 0),
    )


def _person_behind(realm: str, claims: dict[str, Any], now: EpochSeconds) -> Read[Account | Denied]:
    """Return the account an ID token is about; of a pairwise subject only the session tells."""
    session = yield from get(Session, realm, _text(claims.get("sid")) or "-", now)
    subject = claims["sub"] if claims["sub"].startswith(PERSON_PREFIX) else session.subject if session else ""
    account = yield from get(Account, realm, subject or "-", now)
    if account is None or session is None:
        return Denied("id_token", "its session or person is gone")
    return account


async def _read_refresh_token(token: str, attempt: Attempt) -> Witness | Denied:
    realm, now, client = attempt.realm.id, attempt.now, attempt.caller.client
    shown = read_refresh_token(attempt.cx.sealer, realm, token)
    if shown is None:
        return Denied("refresh_token", "not a refresh token of this realm")
    grant, live = await attempt.cx.store.read(_live_grant(realm, shown.grant_id, handle_digest(token), now))
    if grant is None or not live or grant.client_id != client.id or grant.binding not in ("", attempt.binding.text):
        return Denied("refresh_token", "not the live refresh token of a grant of this client")
    holding = Holding(client_id=client.id, subject=grant.subject, sid=grant.sid, grant_id=grant.id)
    return Witness(holding, grant.acr, grant.amr, grant.auth_time, grant.expires_at)


def _live_grant(realm: str, id: str, digest: str, now: EpochSeconds) -> Read[tuple[GrantRecord | None, bool]]:
    grant = yield from get(GrantRecord, realm, id, now)
    family = yield from look_at_family(realm, id, now)
    return grant, family is not None and not family.revoked and family.digest == digest and family.expires_at > now


async def _read_access_token(token: str, attempt: Attempt) -> Witness | Denied:
    claims = await read_held(token, attempt)
    if isinstance(claims, Denied):
        return claims
    return Witness(holding_of(claims), claims.acr, claims.amr, claims.auth_time, claims.exp)


async def read_held(token: str, attempt: Attempt) -> AccessClaims | Denied:
    """Return what an access token of ours says that was issued to the caller, or is meant for an API it serves."""
    claims = await read_access_token(token, attempt.realm.id, attempt.now, attempt.cx)
    if isinstance(claims, Denied):
        return claims
    caller, apis = attempt.caller, attempt.scope_map.apis
    serving = [apis[one].served_by for one in claims.audiences if one in apis and apis[one].served_by]
    if claims.client_id != caller.client.id and not caller.is_named(*serving):
        return Denied("access_token", "issued to another client, and not meant for this one")
    if claims.may_act is not None and not caller.is_named(claims.may_act.sub):
        return Denied("access_token", f"only {claims.may_act.sub} may act with it")
    return claims


async def require_partner(form: TokenExchangeForm, format: str, attempt: Attempt) -> PartnerServer:
    """Demand another server that takes this kind of assertion, and a client it knows. Raises: InvalidTarget."""
    if attempt.caller.method == "none":
        raise UnauthorizedClient("a public client may not carry assertions", reason="identity_assertion.public_client")
    if len(form.audience) != 1:
        raise InvalidTarget("name one authorization server as audience", reason="identity_assertion.target_refused")
    (issuer,) = form.audience
    partner = await attempt.cx.store.read(get(PartnerServer, attempt.realm.id, issuer, attempt.now))
    if (
        partner is None
        or not partner.enabled
        or attempt.caller.client.id not in partner.clients
        or format not in partner.formats
        or not set(form.resource) <= set(partner.resources)
    ):
        raise InvalidTarget(
            "there is no such authorization server, or it is not open to this client for this",
            reason="identity_assertion.target_refused",
            detail=f"{attempt.caller.client.id} asked for {issuer[:200]}",
        )
    return partner


def members_of(partner: PartnerServer, resources: tuple[str, ...], email: str, claims: AccessClaims) -> dict[str, Any]:
    """Return what the assertion says. Spec: draft-ietf-oauth-identity-assertion-authz-grant section 3.1."""
    members: dict[str, Any] = {
        "iss": claims.iss,
        "sub": claims.sub,
        "aud": partner.id,
        "client_id": partner.clients[claims.client_id],
        "jti": claims.jti,
        "iat": claims.iat,
        "exp": claims.exp,
        "scope": claims.scope,
        "resource": resources[0] if len(resources) == 1 else list(resources),
        "auth_time": claims.auth_time,
        "acr": claims.acr,
        "amr": list(claims.amr),
    }
    if email:
        members |= {"email": email, "email_verified": True}
    return {name: value for name, value in members.items() if value}


async def email_of(partner: PartnerServer, subject: str, attempt: Attempt) -> str:
    """Return the verified address of the person where the partner is to be told it."""
    if not partner.tells_email:
        return ""
    account = await attempt.cx.store.read(get(Account, attempt.realm.id, subject, attempt.now))
    return account.email if account is not None and account.email_verified else ""


def partner_check(partner: PartnerServer) -> Check:
    """Return what was looked at, for the audit."""
    return Check("partner_server", True, f"{partner.id} takes assertions of this realm")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
