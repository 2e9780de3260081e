"""The answer to a backchannel authentication request, written down and passed on as the client wishes.

Flow: the person's page, the approval API or the test door decide -> one transaction keeps the decision and, for ping
and push, puts a delivery -> the delivery worker tells the client.
Spec: OpenID Connect CIBA Core sections 10 and 12.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.records.account import Account
from keystead.core.records.authorization_code import AuthorizationCode
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.records.client import Client
from keystead.core.records.consent import Consent, consent_id
from keystead.core.records.delivery import DELIVERY_SEAL, Delivery
from keystead.core.records.grant import new_grant_id
from keystead.core.sealing import Sealer
from keystead.core.values import EpochSeconds
from keystead.oauth.awaited import decide, deny
from keystead.oauth.context import ServerContext
from keystead.oauth.grants.ciba import GRANT_TYPE
from keystead.oauth.revocations import store
from keystead.oauth.scopes import ScopeMap
from keystead.oauth.still_registered import has_grant
from keystead.storage.ports import Read, Write, deliver, find, get

PING: Final = "ciba_ping"
PUSH: Final = "ciba_push"
TOKEN_KIND: Final = "ciba_notification_token"  # noqa: S105 - a kind of secret
HANDLE_KIND: Final = "ciba_auth_req_id"
PUSH_PATIENCE: Final = 300


class Proof(msgspec.Struct, frozen=True):
    """On what evidence somebody decided."""

    acr: str
    amr: tuple[str, ...]
    auth_time: EpochSeconds
    sid: str = ""


def pending_for(realm: str, account_id: str, now: EpochSeconds) -> Read[list[AwaitedDecision]]:
    """Return what waits for a person, oldest first. A client that may not ask any more waits in vain."""
    found = yield from find(AwaitedDecision, realm, now, index="subject", value=account_id)
    waiting = []
    for one in found:
        if one.purpose == "ciba" and one.waits(now):
            client = yield from get(Client, realm, one.client_id, now)
            waiting += [one] if has_grant(client, GRANT_TYPE) else []
    return sorted(waiting, key=lambda one: (one.begun_at, one.id))


def allow(waiting: AwaitedDecision, decided: AuthorizationCode, now: EpochSeconds, cx: ServerContext) -> Write[bool]:
    """Write down a yes and pass it on. False: it was answered before, or nobody waits any more."""
    answered = yield from decide(waiting.realm, waiting.id, decided, now)
    if answered is None:
        return False
    yield from _pass_on(answered, {}, now, cx)
    return True


def refuse(waiting: AwaitedDecision, now: EpochSeconds, cx: ServerContext) -> Write[bool]:
    """Write down a no and pass it on."""
    answered = yield from deny(waiting.realm, waiting.id, now)
    if answered is None:
        return False
    error = {"error": "access_denied", "error_description": "the person said no"}
    yield from _pass_on(answered, error, now, cx)
    return True


def decision_of(waiting: AwaitedDecision, account: Account, proof: Proof, scope_map: ScopeMap) -> AuthorizationCode:
    """Return a yes to everything asked that the person's roles allow, given outside of a browser."""
    asked = waiting.request
    return AuthorizationCode(
        client_id=waiting.client_id,
        redirect_uri="",
        code_challenge="",
        subject=account.id,
        grant_id=new_grant_id(),
        expires_at=waiting.ends_at,
        sid=proof.sid,
        scopes=scope_map.allowed_by_roles(asked.scopes, account.roles),
        resources=asked.resources,
        acr=proof.acr,
        amr=proof.amr,
        auth_time=proof.auth_time,
        authority_epoch=account.authority_epoch,
        authorization_details=asked.authorization_details,
        claims=asked.claims,
    )


def remember_consent(decided: AuthorizationCode, realm: str, now: EpochSeconds) -> Write[None]:
    """Remember a yes that was given outside of a browser."""
    id = consent_id(decided.subject, decided.client_id)
    before = yield from get(Consent, realm, id, now)
    consent = before or Consent(realm=realm, id=id, subject=decided.subject, client_id=decided.client_id)
    scopes = tuple(dict.fromkeys((*consent.scopes, *decided.scopes)))
    resources = tuple(dict.fromkeys((*consent.resources, *decided.resources)))
    yield from store(msgspec.structs.replace(consent, scopes=scopes, resources=resources, granted_at=now), now)


def _pass_on(answered: AwaitedDecision, error: dict[str, str], now: EpochSeconds, cx: ServerContext) -> Write[None]:
    """Put the delivery the client waits for, if its mode has one."""
    if answered.delivery == "poll":
        return
    client = yield from get(Client, answered.realm, answered.client_id, now)
    if client is None or not client.enabled or not client.backchannel_client_notification_endpoint:
        return
    purpose = PUSH if answered.delivery == "push" else PING
    handle = cx.sealer.open(answered.realm, HANDLE_KIND, answered.id, answered.sealed_handle) or b""
    told: dict[str, Any] = {"auth_req_id": handle.decode()}
    if purpose == PUSH:
        told = {**told, **error} if error else {"awaited": answered.id}
    token = cx.sealer.open(answered.realm, TOKEN_KIND, answered.id, answered.sealed_notification_token) or b""
    yield from deliver(
        Delivery(
            realm=answered.realm,
            id="",
            purpose=purpose,
            url=client.backchannel_client_notification_endpoint,
            body=_seal(cx.sealer, answered.realm, purpose, msgspec.json.encode(told)),
            sealed=True,
            content_type="application/json",
            authorization=_seal(cx.sealer, answered.realm, purpose, b"Bearer " + token),
            client_id=client.id,
            give_up_at=EpochSeconds(now + PUSH_PATIENCE),
        ),
        now,
    )


def _seal(sealer: Sealer, realm: str, purpose: str, plain: bytes) -> bytes:
    return sealer.seal(realm, DELIVERY_SEAL, purpose, plain)
