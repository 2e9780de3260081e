"""Accounts: finding one by the name a person types, and ending everything granted to one."""

from __future__ import annotations

import msgspec

from keystead.core.records.account import Account
from keystead.core.records.revocation import REVOCATION_TOPIC, Revocation
from keystead.core.values import EpochSeconds, new_identifier
from keystead.identity.account_events import cause_of, tell_of_account
from keystead.identity.sessions import end_sessions_of
from keystead.storage.ports import Read, Stored, Write, emit, find, get, only, put

ACCOUNT_PREFIX = "usr"
MAXIMUM_USERNAME = 256
_REVOCATION_MEMORY = 86_400


def new_account_id() -> str:
    """Return a fresh subject: random, so that it says nothing and is never given out twice."""
    return new_identifier(ACCOUNT_PREFIX)


def account_by_username(realm: str, username: str, now: EpochSeconds) -> Read[Account | None]:
    """Return the account with exactly this user name, byte for byte.

    Does not: fold case, trim or normalise. Two names that look alike are two accounts.
    """
    if not username or len(username) > MAXIMUM_USERNAME:
        return None
    return only((yield from find(Account, realm, now, index="username", value=username, limit=1)))


def end_authority(realm: str, account_id: str, reason: str, now: EpochSeconds, *, disable: bool = False) -> Write[bool]:
    """End all that was ever granted to an account: every session, grant and token made before now is dead at once.

    For a changed password, a disabled account, "log out everywhere". Answer: whether there is such an account.
    """
    account = yield from get(Account, realm, account_id, now)
    if account is None:
        return False
    changed = msgspec.structs.replace(
        account, authority_epoch=account.authority_epoch + 1, enabled=account.enabled and not disable
    )
    if not isinstance((yield from put(changed, now)), Stored):
        raise RuntimeError("an account changed inside a write transaction")
    yield from end_sessions_of(realm, account_id, reason, now)
    told = {"enabled"} if account.enabled != changed.enabled else set()
    if reason == "password_changed":
        told.add("password_hash")
    yield from tell_of_account(changed, told, cause_of(reason), now)
    payload = msgspec.json.encode(Revocation("account", account_id, reason))
    yield from emit(realm, REVOCATION_TOPIC, payload, now, EpochSeconds(now + _REVOCATION_MEMORY))
    return True
