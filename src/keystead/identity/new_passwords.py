"""A new password for an account that exists, and what ends with the old one.

Spec: RFC 9700 section 4.14.2, OWASP ASVS 6.2.2, 6.2.10 (changed when compromised), 7.4.3 (other sessions end).
Does not: judge the new password. `keystead.identity.password_rules` does.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.records.account import Account
from keystead.core.records.realm import Realm
from keystead.identity.accounts import end_authority
from keystead.identity.sessions import NewSession, SignedIn, sign_in
from keystead.storage.ports import Stored, Write, get, put

BREACHED: Final = "password.breached"
"""Why a new password is due: the old one stands on a list of known passwords."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a change needs: the account as it was when the old password was right, the new hash, the next sign-in."""

    checked: Account
    password_hash: str
    new_session: NewSession


def change_password(realm: Realm, change: Change) -> Write[SignedIn | None]:
    """Set the new hash, end all that was granted before, and sign the person in again at this browser alone.

    Answer: None when somebody changed the account meanwhile; nothing was changed.
    """
    now = change.new_session.evidence.at
    account = yield from get(Account, realm.id, change.checked.id, now)
    if account is None or not account.enabled or account.password_hash != change.checked.password_hash:
        return None
    changed = msgspec.structs.replace(account, password_hash=change.password_hash, new_password_due="", updated_at=now)
    if not isinstance((yield from put(changed, now)), Stored):
        return None
    yield from end_authority(realm.id, account.id, "password_changed", now)
    fresh = yield from get(Account, realm.id, account.id, now)
    if fresh is None:
        return None
    return (yield from sign_in(realm, msgspec.structs.replace(change.new_session, account=fresh)))
