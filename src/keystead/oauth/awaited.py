"""Waiting for a decision: polled with bounded patience, taken once, redeemed once.

Flow: an endpoint stores an `AwaitedDecision` and hands out a handle -> the person's page decides it through an outcome
plug-in (`decide`, `deny`) -> the client's grant asks `poll`, and spends it with `redeem_decision`.
Does not: know devices from back channels. Spec: RFC 8628 section 3.5, CIBA section 11.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.decisions import Check, Credential, Denied
from keystead.core.errors import InvalidGrant
from keystead.core.records.account import Account
from keystead.core.records.authorization_code import AuthorizationCode
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.values import EpochSeconds, handle_digest
from keystead.core.waiting_errors import AuthorizationPending, DecisionDenied, ExpiredToken, SlowDown
from keystead.oauth.decided import Spending, authority_of, buy
from keystead.oauth.grant import Attempt, Authority, Spent
from keystead.oauth.revocations import revoke_grant, store
from keystead.oauth.scopes import Ask
from keystead.storage.ports import Read, Write, get

REPLAY_MEMORY: Final = 3600
"""Seconds for which an expired or redeemed decision is still recognised."""

SLOWER: Final = 5
_GRACE: Final = 1
_LONGEST_INTERVAL: Final = 60


class Kind(msgspec.Struct, frozen=True):
    """Which decisions a grant redeems: their purpose, the prefix of their handles, the public words of refusal."""

    purpose: str
    prefix: str
    refusal: str


async def prove_decision(kind: Kind, handle: str, attempt: Attempt) -> Authority:
    """Return what the decision behind a handle amounts to.

    Raises: AuthorizationPending, SlowDown, ExpiredToken, DecisionDenied, InvalidGrant.
    """
    waiting, account = await _find(kind, handle, attempt)
    attempt.credential = _credential(waiting, kind, attempt)
    if waiting.client_id != attempt.caller.client.id:
        raise _refused(kind, "wrong_client", f"issued to {waiting.client_id}, shown by {attempt.caller.client.id}")
    if waiting.binding and waiting.binding != attempt.binding.text:
        raise _refused(kind, "wrong_binding", "shown with another key than it was asked with")
    if waiting.delivery == "push":
        raise _refused(kind, "pushed", "its tokens are pushed, they cannot be fetched")
    if waiting.redeemed_at is not None:
        await _take_back(waiting, kind, attempt)
        raise _refused(kind, "replayed", "it was redeemed before")
    if waiting.denied:
        raise DecisionDenied("the person said no", reason=f"{kind.purpose}.denied")
    if waiting.ends_at <= attempt.now:
        raise ExpiredToken("nobody answered in time: begin again", reason=f"{kind.purpose}.expired")
    if waiting.decided is None:
        raise await _still_pending(waiting, kind, attempt)
    return _authority(waiting, waiting.decided, account, kind, attempt)


async def _find(kind: Kind, handle: str, attempt: Attempt) -> tuple[AwaitedDecision, Account | None]:
    found = None
    if handle.startswith(kind.prefix):
        found = await attempt.cx.store.read(_look(attempt.realm.id, handle_digest(handle), attempt.now))
    if found is None or found[0].purpose != kind.purpose:
        raise _refused(kind, "unknown", "there is no such request in this realm")
    return found


def _look(realm: str, id: str, now: EpochSeconds) -> Read[tuple[AwaitedDecision, Account | None] | None]:
    waiting = yield from get(AwaitedDecision, realm, id, now)
    if waiting is None:
        return None
    account = (yield from get(Account, realm, waiting.decided.subject, now)) if waiting.decided is not None else None
    return waiting, account


async def _still_pending(waiting: AwaitedDecision, kind: Kind, attempt: Attempt) -> AuthorizationPending | SlowDown:
    """Count the poll, and return the error it gets."""
    realm, id, now = attempt.realm.id, waiting.id, attempt.now
    if await attempt.cx.store.write(lambda: _count_poll(realm, id, now)):
        return SlowDown("poll less often: wait five seconds longer each time", reason=f"{kind.purpose}.slow_down")
    return AuthorizationPending("nobody has answered yet", reason=f"{kind.purpose}.pending")


def _count_poll(realm: str, id: str, now: EpochSeconds) -> Write[bool]:
    """Note that the client polled. Answer: whether it was too soon, which makes it wait longer from now on."""
    waiting = yield from get(AwaitedDecision, realm, id, now)
    if waiting is None:
        return False
    too_soon = bool(waiting.last_polled_at) and now - waiting.last_polled_at < waiting.interval - _GRACE
    interval = min(waiting.interval + SLOWER, _LONGEST_INTERVAL) if too_soon else waiting.interval
    yield from store(msgspec.structs.replace(waiting, last_polled_at=now, interval=interval), now)
    return too_soon


def _authority(
    waiting: AwaitedDecision, decided: AuthorizationCode, account: Account | None, kind: Kind, attempt: Attempt
) -> Authority:
    spending = Spending(
        ask=Ask(),
        refusal=kind.refusal,
        checks=(
            Check(f"{kind.purpose}_client", True, "the request is this client's"),
            Check(f"{kind.purpose}_decision", True, "the person said yes"),
        ),
        spend=lambda: redeem_decision(waiting.id, kind, attempt),
    )
    return authority_of(decided, account, attempt, spending)


def redeem_decision(id: str, kind: Kind, attempt: Attempt) -> Write[Spent | Denied]:
    """Spend a decision and store the grant it buys. A second time takes back what the first one bought."""
    realm, now = attempt.realm.id, attempt.now
    waiting = yield from get(AwaitedDecision, realm, id, now)
    if waiting is None or waiting.decided is None:
        return Denied(f"{kind.purpose}.gone", "the decision is gone")
    if waiting.redeemed_at is not None:
        yield from revoke_grant(realm, waiting.decided.grant_id, f"{kind.purpose}.replayed", now)
        return Denied(f"{kind.purpose}.replayed", "it was redeemed before")
    yield from store(msgspec.structs.replace(waiting, redeemed_at=now), now)
    return (yield from buy(waiting.decided, attempt))


async def _take_back(waiting: AwaitedDecision, kind: Kind, attempt: Attempt) -> None:
    decided = waiting.decided
    if decided is not None:
        realm, now = attempt.realm.id, attempt.now
        reason = f"{kind.purpose}.replayed"
        await attempt.cx.store.write(lambda: revoke_grant(realm, decided.grant_id, reason, now))


def decide(realm: str, id: str, decided: AuthorizationCode, now: EpochSeconds) -> Write[AwaitedDecision | None]:
    """Write down that the person allowed it. None: nobody waits any more, or it was answered before."""
    waiting = yield from get(AwaitedDecision, realm, id, now)
    if waiting is None or not waiting.waits(now) or waiting.client_id != decided.client_id:
        return None
    if waiting.subject and waiting.subject != decided.subject:
        return None
    kept_until = EpochSeconds(waiting.ends_at + REPLAY_MEMORY)
    answered = msgspec.structs.replace(waiting, decided=decided, begun_from="", expires_at=kept_until)
    yield from store(answered, now)
    return answered


def deny(realm: str, id: str, now: EpochSeconds) -> Write[AwaitedDecision | None]:
    """Write down that the person said no. None: there is nothing to deny any more."""
    waiting = yield from get(AwaitedDecision, realm, id, now)
    if waiting is None or not waiting.waits(now):
        return None
    answered = msgspec.structs.replace(waiting, denied=True)
    yield from store(answered, now)
    return answered


def _credential(waiting: AwaitedDecision, kind: Kind, attempt: Attempt) -> Credential:
    return Credential(
        kind=f"{kind.purpose}_request",
        issuer=attempt.scope_map.issuer,
        subject=waiting.decided.subject if waiting.decided is not None else "",
        client_id=waiting.client_id,
        scope=waiting.request.scopes,
        expires_at=waiting.ends_at,
    )


def _refused(kind: Kind, reason: str, detail: str) -> InvalidGrant:
    return InvalidGrant(kind.refusal, reason=f"{kind.purpose}.{reason}", detail=detail)
