"""What a person has allowed, application by application: what was consented to, and what lives of it.

Spec: OWASP ASVS 10.7.3 (consent can be reviewed).
"""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.core.records.client import Client
from keystead.core.records.consent import Consent
from keystead.core.records.grant import Grant
from keystead.core.records.realm import Realm
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, find, get, look_at_family


class AllowedApplication(msgspec.Struct, frozen=True, kw_only=True):
    """One application. `since` is when it was first allowed as far as we remember, `last_used` when it last renewed its
    access. `connected`: it has access now. `client` is None when the application is gone.
    """

    client_id: str
    client: Client | None
    scopes: tuple[str, ...]
    details: tuple[dict[str, Any], ...]
    since: EpochSeconds
    last_used: EpochSeconds
    connected: bool


def allowed_applications(realm: Realm, subject: str, now: EpochSeconds) -> Read[list[AllowedApplication]]:
    """Return every application that a person allowed something, or that has access in their name; the latest first."""
    consents = yield from find(Consent, realm.id, now, index="subject", value=subject)
    grants = yield from _live_grants(realm.id, subject, now)
    names = dict.fromkeys((*(one.client_id for one in consents), *(one.client_id for one in grants)))
    found: list[AllowedApplication] = []
    for name in names:
        own = [grant for grant in grants if grant.client_id == name]
        consent = next((one for one in consents if one.client_id == name), None)
        found.append((yield from _describe(realm, name, consent, own, now)))
    return sorted(found, key=lambda one: (-one.last_used, one.client_id))


def _describe(
    realm: Realm, client_id: str, consent: Consent | None, grants: list[Grant], now: EpochSeconds
) -> Read[AllowedApplication]:
    scopes = [*(consent.scopes if consent else ()), *(scope for grant in grants for scope in grant.scopes)]
    details = list(consent.authorization_details if consent else ())
    details += [one for grant in grants for one in grant.authorization_details if one not in details]
    times = [grant.created_at for grant in grants] + ([consent.granted_at] if consent else [])
    used = max(times)
    for grant in grants:
        used = max(used, (yield from _last_refresh(realm, grant, now)))
    return AllowedApplication(
        client_id=client_id,
        client=(yield from get(Client, realm.id, client_id, now)),
        scopes=tuple(dict.fromkeys(scopes)),
        details=tuple(details),
        since=min(times),
        last_used=used,
        connected=bool(grants),
    )


def _last_refresh(realm: Realm, grant: Grant, now: EpochSeconds) -> Read[EpochSeconds]:
    """Return when a grant was last refreshed: its family ends an idle lifetime after that, unless the grant ends first.

    Kept nowhere else, so that a refresh writes one row.
    """
    family = yield from look_at_family(grant.realm, grant.id, now)
    if family is None or family.revoked or family.expires_at == grant.expires_at:
        return grant.created_at
    return EpochSeconds(max(grant.created_at, min(now, family.expires_at - realm.refresh_token_idle_lifetime)))


def _live_grants(realm: str, subject: str, now: EpochSeconds) -> Read[list[Grant]]:
    found: list[Grant] = []
    after = ""
    while grants := (yield from find(Grant, realm, now, index="subject", value=subject, after=after)):
        found += [grant for grant in grants if grant.revoked_at is None]
        after = grants[-1].id
    return found
