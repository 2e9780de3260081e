"""Does it still stand? One question, asked at every mint, exchange, introspection, userinfo call and bus connect.

Flow: whoever holds something (a code, a refresh token, an access token, a service identity) says what it rests on
in a `Holding`; `authority_now` looks everything up in the caller's transaction and answers `Live` or `Denied`.
Does not: look at signatures, expiry or audience of a token; whoever opened the token has.
Spec: RFC 9700 section 4.14.2, RFC 7662 section 2.2 (`active`), RFC 8693 section 2.1.
"""

from __future__ import annotations

import msgspec

from keystead.core.decisions import Denied
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.consent import Consent, consent_id
from keystead.core.records.grant import Grant
from keystead.core.records.revocation import RevokedToken
from keystead.core.records.session import Session
from keystead.core.records.workload import Workload
from keystead.core.tokens import PERSON_PREFIX, AccessClaims
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, get


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody holds, and what it rests on.

    `client_id` is a client, or a workload that is its own. `authority_epoch` counts only for a person before there is
    a grant (afterwards the grant remembers it). `scopes` must still be consented to, `roles` still be the person's.
    """

    client_id: str
    subject: str
    sid: str = ""
    grant_id: str = ""
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    token_id: str = ""
    authority_epoch: int = 0


class Live(msgspec.Struct, frozen=True):
    """It stands. What was looked up comes along."""

    client: Client | None = None
    workload: Workload | None = None
    account: Account | None = None
    grant: Grant | None = None


def holding_of(claims: AccessClaims) -> Holding:
    """Return what an access token rests on."""
    return Holding(
        client_id=claims.client_id,
        subject=claims.sub,
        sid=claims.sid,
        grant_id=claims.gid,
        scopes=claims.scopes,
        roles=claims.roles,
        actors=claims.actors,
        token_id=claims.jti,
    )


def authority_now(realm: str, holding: Holding, now: EpochSeconds) -> Read[Live | Denied]:
    """Look up whether everything a holding rests on still stands, at one snapshot."""
    if holding.token_id and (yield from get(RevokedToken, realm, holding.token_id, now)) is not None:
        return Denied("token.revoked", "the token was revoked")
    party = yield from _live_party(realm, holding.client_id, now)
    if isinstance(party, Denied):
        return party
    for actor in dict.fromkeys(holding.actors):
        acting = yield from _live_party(realm, actor, now)
        if isinstance(acting, Denied):
            return acting
    if holding.subject.startswith(PERSON_PREFIX):
        return (yield from _person(realm, holding, party, now))
    if holding.subject not in (holding.client_id, party.workload.id if party.workload else ""):
        subject = yield from _live_party(realm, holding.subject, now)
        if isinstance(subject, Denied):
            return subject
    return party


def _live_party(realm: str, name: str, now: EpochSeconds) -> Read[Live | Denied]:
    """Look up a client, and the workload behind it, or a workload that is its own client."""
    client = yield from get(Client, realm, name, now)
    if client is not None and not client.enabled:
        return Denied("client.disabled", f"client {name} is disabled")
    if client is not None and not client.workload:
        return Live(client)
    workload = yield from get(Workload, realm, client.workload if client is not None else name, now)
    if workload is None:
        return Denied("client.gone", f"there is no client or workload {name}")
    if not workload.enabled:
        return Denied("workload.disabled", f"workload {workload.id} is disabled")
    return Live(client, workload)


def _person(realm: str, holding: Holding, party: Live, now: EpochSeconds) -> Read[Live | Denied]:
    account = yield from get(Account, realm, holding.subject, now)
    if account is None or not account.enabled:
        return Denied("account.disabled", f"account {holding.subject} is disabled or gone")
    if not set(holding.roles).issubset(account.roles):
        return Denied("role.removed", f"account {holding.subject} lost a role since")
    grant = None
    if holding.grant_id:
        grant = yield from get(Grant, realm, holding.grant_id, now)
        if grant is None or grant.revoked_at is not None:
            return Denied("grant.revoked", f"grant {holding.grant_id} is revoked, expired or gone")
        if grant.subject != holding.subject:
            return Denied("grant.of_other", f"grant {holding.grant_id} is another person's")
    if (grant.authority_epoch if grant is not None else holding.authority_epoch) != account.authority_epoch:
        return Denied("authority.superseded", f"all authority of {holding.subject} from before was ended")
    refusal = yield from _session(realm, holding, account, grant, now)
    if refusal is None:
        refusal = yield from _consent(realm, holding, party, grant, now)
    return refusal or Live(party.client, party.workload, account, grant)


def _session(
    realm: str, holding: Holding, account: Account, grant: Grant | None, now: EpochSeconds
) -> Read[Denied | None]:
    if not holding.sid or (grant is not None and grant.offline):
        return None
    session = yield from get(Session, realm, holding.sid, now)
    if session is None or session.ended_at is not None:
        return Denied("session.ended", f"session {holding.sid} is over")
    if session.subject != account.id or session.authority_epoch != account.authority_epoch:
        return Denied("session.superseded", f"session {holding.sid} began before all sessions were ended")
    return None


def _consent(realm: str, holding: Holding, party: Live, grant: Grant | None, now: EpochSeconds) -> Read[Denied | None]:
    """Look for the consent behind a grant: it was given to the client the person saw, not to whoever acts since."""
    client, client_id = party.client, holding.client_id
    if grant is not None and grant.client_id != client_id:
        client_id = grant.client_id
        client = yield from get(Client, realm, client_id, now)
        if client is None or not client.enabled:
            return Denied("client.disabled", f"client {client_id}, which the person signed in to, is disabled or gone")
    if client is not None and client.skip_consent:
        return None
    consent = yield from get(Consent, realm, consent_id(holding.subject, client_id), now)
    if consent is None or not set(holding.scopes).issubset(consent.scopes):
        return Denied("consent.withdrawn", f"{holding.subject} no longer allows this to {client_id}")
    return None
