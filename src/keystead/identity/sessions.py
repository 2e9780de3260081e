"""Sessions: made and renewed at sign-in, ended at logout, together with all that was bought with them.

The id (`sid`) stays through re-authentication; the cookie's handle is new each time, and the old one is dead.
Spec: OpenID Connect Session vocabulary (`sid`), OWASP ASVS 7.2.4 (new handle), 7.4.1 (ended at the back end).
Does not: set cookies, or decide whether a session is fresh enough for a request.
"""

from __future__ import annotations

import msgspec

from keystead.core.assurance import assurance, with_evidence
from keystead.core.logout import Ended
from keystead.core.records.account import Account
from keystead.core.records.grant import Grant
from keystead.core.records.realm import Realm
from keystead.core.records.revocation import REVOCATION_TOPIC, Revocation
from keystead.core.records.session import Evidence, Session
from keystead.core.security_events import ADMIN, ASSURANCE_LEVEL_CHANGE, SESSION_REVOKED, USER, SecurityEvent, by
from keystead.core.values import EpochSeconds, handle_digest, new_handle, new_identifier
from keystead.identity.logout_messages import clients_of, tell_clients
from keystead.identity.security_events import tell
from keystead.storage.ports import Read, Stored, Write, emit, find, get, only, put, revoke_family

SESSION_PREFIX = "kss_"
_LONGEST_USER_AGENT = 256
_LONGEST_ACCESS_TOKEN = 86_400
_CAUSES = {"logout": USER, "another_person": USER, "signed_out_by_person": USER, "password_changed": USER}


class SignedIn(msgspec.Struct, frozen=True):
    """A sign-in that happened: the session, and the handle for the cookie, which is not stored anywhere."""

    session: Session
    handle: str


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in brings: who proved what, at which browser, and the digest of the cookie it had before."""

    account: Account
    evidence: Evidence
    user_agent: str = ""
    previous_digest: str = ""


def sign_in(realm: Realm, new: NewSession) -> Write[SignedIn]:
    """Start a session, or renew the browser's own when the same person signs in again.

    Another person's session at this browser is ended, with what it bought: one browser, one person.
    """
    now = new.evidence.at
    handle = SESSION_PREFIX + new_handle()
    before = yield from _session_by_digest(realm.id, new.previous_digest, now)
    if before is not None and not _may_continue(before, new.account):
        yield from end_session(realm.id, before.id, "another_person", now)
        before = None
    session = before or Session(
        realm=realm.id,
        id=new_identifier("ses"),
        handle_digest="",
        subject=new.account.id,
        authority_epoch=new.account.authority_epoch,
        created_at=now,
    )
    session = msgspec.structs.replace(
        session,
        handle_digest=handle_digest(handle),
        evidence=with_evidence(session.evidence, new.evidence),
        last_seen_at=now,
        user_agent=new.user_agent[:_LONGEST_USER_AGENT],
        expires_at=EpochSeconds(now + realm.session_lifetime),
    )
    outcome = yield from put(session, now)
    if not isinstance(outcome, Stored):
        raise RuntimeError("a session changed inside a write transaction")
    if before is not None:
        yield from _tell_of_level(before, outcome.record, now)
    return SignedIn(outcome.record, handle)


def _tell_of_level(before: Session, after: Session, now: EpochSeconds) -> Write[None]:
    """Tell that a session rests on more, or less, than it did. Spec: CAEP 1.0 section 3.4."""
    previous, current = assurance(before.evidence).acr, assurance(after.evidence).acr
    if previous == current:
        return
    facts = {
        "namespace": "RFC6711",
        "previous_level": previous,
        "current_level": current,
        "change_direction": "increase" if current > previous else "decrease",
        **by(USER, "the person signed in again"),
    }
    event = SecurityEvent(type=ASSURANCE_LEVEL_CHANGE, subject=after.subject, sid=after.id, facts=facts, at=now)
    yield from tell(after.realm, event, now)


def _session_by_digest(realm: str, digest: str, now: EpochSeconds) -> Write[Session | None]:
    if not digest:
        return None
    return only((yield from find(Session, realm, now, index="handle_digest", value=digest, limit=1)))


def _may_continue(session: Session, account: Account) -> bool:
    return (
        session.ended_at is None
        and session.subject == account.id
        and session.authority_epoch == account.authority_epoch
    )


def end_session(realm: str, sid: str, reason: str, now: EpochSeconds) -> Write[Ended | None]:
    """End a session, revoke the grants it bought that were not meant to outlive it, and tell the world.

    All in one transaction: after it, the next refresh, exchange and introspection fail, and every client of the session
    that hears of logouts by the back channel has a message under way. Answer: None when it was not live.
    Spec: OpenID Connect RP-Initiated Logout section 2, OpenID Connect Core section 11 (offline_access).
    """
    session = yield from get(Session, realm, sid, now)
    if session is None or session.ended_at is not None:
        return None
    yield from put(msgspec.structs.replace(session, ended_at=now), now)
    grants = yield from grants_of(session, now)
    clients = yield from clients_of(session, grants, now)
    yield from tell_clients(session, clients, now)
    for grant in grants:
        if not grant.offline and grant.revoked_at is None:
            yield from _revoke(grant, now)
    payload = msgspec.json.encode(Revocation("session", sid, reason))
    yield from emit(realm, REVOCATION_TOPIC, payload, now, EpochSeconds(now + _LONGEST_ACCESS_TOKEN))
    facts = by(_CAUSES.get(reason, ADMIN), f"the session ended: {reason.replace('_', ' ')}")
    revoked = SecurityEvent(type=SESSION_REVOKED, subject=session.subject, sid=sid, facts=facts, at=now)
    yield from tell(realm, revoked, now)
    return Ended(session, tuple(clients))


def end_sessions_of(realm: str, subject: str, reason: str, now: EpochSeconds) -> Write[int]:
    """End every session of a person. Answer: how many were live."""
    ended, after = 0, ""
    while sessions := (yield from find(Session, realm, now, index="subject", value=subject, after=after)):
        for session in sessions:
            ended += (yield from end_session(realm, session.id, reason, now)) is not None
        after = sessions[-1].id
    return ended


def grants_of(session: Session, now: EpochSeconds) -> Read[list[Grant]]:
    """Return every grant that a session bought."""
    found: list[Grant] = []
    after = ""
    while grants := (yield from find(Grant, session.realm, now, index="sid", value=session.id, after=after)):
        found += grants
        after = grants[-1].id
    return found


def _revoke(grant: Grant, now: EpochSeconds) -> Write[None]:
    yield from put(msgspec.structs.replace(grant, revoked_at=now), now)
    yield from revoke_family(grant.realm, grant.id, now)
