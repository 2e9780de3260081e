"""Consent: reading what a person allowed, and taking it back.

Does not: remember consent; the dispatcher does, in the transaction that offers the code it was given for.
"""

from __future__ import annotations

import msgspec

from keystead.core.records.consent import Consent, consent_id
from keystead.core.records.grant import Grant
from keystead.core.records.revocation import REVOCATION_TOPIC, Revocation
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, Write, emit, find, put, remove, revoke_family

_LONGEST_ACCESS_TOKEN = 86_400


def consents_of(realm: str, subject: str, now: EpochSeconds) -> Read[list[Consent]]:
    """Return what a person has allowed, client by client."""
    return (yield from find(Consent, realm, now, index="subject", value=subject))


def withdraw_consent(realm: str, subject: str, client_id: str, now: EpochSeconds) -> Write[bool]:
    """Forget a consent and revoke every grant of the client for this person, offline ones too.

    Answer: whether there was anything to take back. Spec: OWASP ASVS 10.7.3.
    """
    found = yield from remove(Consent, realm, consent_id(subject, client_id))
    after = ""
    while grants := (yield from find(Grant, realm, now, index="subject", value=subject, after=after)):
        for grant in grants:
            if grant.client_id == client_id and grant.revoked_at is None:
                found = True
                yield from _revoke(grant, now)
        after = grants[-1].id
    return found


def _revoke(grant: Grant, now: EpochSeconds) -> Write[None]:
    yield from put(msgspec.structs.replace(grant, revoked_at=now), now)
    yield from revoke_family(grant.realm, grant.id, now)
    payload = msgspec.json.encode(Revocation("grant", grant.id, "consent_withdrawn"))
    yield from emit(grant.realm, REVOCATION_TOPIC, payload, now, EpochSeconds(now + _LONGEST_ACCESS_TOKEN))
