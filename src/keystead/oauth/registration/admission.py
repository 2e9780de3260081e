"""Who may register, and how often: an initial access token, or open registration within its bounds.

Flow: `admit` looks at the token and says under which policy; `count` spends the token and counts the client, in the
transaction that stores it.
Spec: RFC 7591 sections 3 and 5, RFC 7592 section 5; RFC 9700 section 4.11.2 for what `vouched` is about.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.errors import InvalidToken, TemporarilyUnavailable
from keystead.core.http import Request
from keystead.core.records.realm import Realm
from keystead.core.records.registration import TALLY_ID, InitialAccessToken, RegistrationPolicy, RegistrationTally
from keystead.core.values import EpochSeconds, handle_digest
from keystead.oauth.bearer import header_token
from keystead.oauth.context import ServerContext
from keystead.oauth.revocations import store
from keystead.storage.ports import Write, get

INITIAL_PREFIX: Final = "ksi_"
"""Every initial access token begins with it."""

_HOUR: Final = 3600


class Admission(msgspec.Struct, frozen=True):
    """Leave to register: under which policy, and by which token if any."""

    policy: RegistrationPolicy
    vouched: bool
    token_id: str = ""
    own_policy: RegistrationPolicy | None = None


async def admit(request: Request, realm: Realm, cx: ServerContext) -> Admission:
    """Return the leave a request has to register. Raises: InvalidToken."""
    rules = realm.registration
    if rules.open and not any(name == b"authorization" for name, _ in request.headers):
        return Admission(rules.policy, rules.danger_vouch_for_open_registration)
    digest = handle_digest(header_token(request))
    token = await cx.store.read(get(InitialAccessToken, realm.id, digest, request.now))
    if token is None or (token.uses_left is not None and token.uses_left <= 0):
        raise InvalidToken("the initial access token is unknown, spent or expired", reason="registration.token")
    return Admission(token.policy or rules.policy, token.vouched, token.id, token.policy)


def count(realm: Realm, admission: Admission, now: EpochSeconds) -> Write[None]:
    """Spend the token's use and count the client. Raises: InvalidToken, TemporarilyUnavailable."""
    if admission.token_id:
        yield from _spend(realm, admission.token_id, now)
    rules = realm.registration
    tally = (yield from get(RegistrationTally, realm.id, TALLY_ID, now)) or RegistrationTally(
        realm=realm.id, id=TALLY_ID
    )
    if tally.hour_began + _HOUR <= now:
        tally = msgspec.structs.replace(tally, in_hour=0, hour_began=now)
    if tally.total >= rules.maximum_clients:
        raise _full("as many clients registered themselves as this realm admits", "registration.full")
    in_hour = tally.in_hour + (not admission.token_id)
    if in_hour > rules.per_hour:
        raise _full("too many clients registered within the hour", "registration.rate")
    yield from store(msgspec.structs.replace(tally, total=tally.total + 1, in_hour=in_hour), now)


def uncount(realm: str, now: EpochSeconds) -> Write[None]:
    """Count one client less."""
    tally = yield from get(RegistrationTally, realm, TALLY_ID, now)
    if tally is not None and tally.total > 0:
        yield from store(msgspec.structs.replace(tally, total=tally.total - 1), now)


def _spend(realm: Realm, token_id: str, now: EpochSeconds) -> Write[None]:
    token = yield from get(InitialAccessToken, realm.id, token_id, now)
    if token is None or (token.uses_left is not None and token.uses_left <= 0):
        raise InvalidToken("the initial access token is unknown, spent or expired", reason="registration.token")
    if token.uses_left is not None:
        yield from store(msgspec.structs.replace(token, uses_left=token.uses_left - 1), now)


def _full(description: str, reason: str) -> TemporarilyUnavailable:
    return TemporarilyUnavailable(f"{description}; try later, or ask the operator", reason=reason)
