"""New accounts that people make themselves: what may be chosen, and the one write that makes it.

Does not: prove an address. An e-mail address typed here is not verified, and says so in every token.
The password is judged by `keystead.identity.password_rules`.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from keystead.core.records.account import Account
from keystead.core.records.realm import Realm
from keystead.core.values import EpochSeconds
from keystead.identity.accounts import account_by_username, new_account_id
from keystead.storage.ports import Stored, Write, put

_USERNAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{2,63}", re.ASCII)
"""Never an address: where either may name a person, a stranger's user name must not be somebody's address."""
_EMAIL: Final = re.compile(r"[^\s@]{1,64}@[^\s@.]{1,63}(?:\.[^\s@.]{1,63}){1,8}")
_LONGEST_NAME: Final = 128


class Wished(msgspec.Struct, frozen=True, kw_only=True):
    """What a person typed."""

    username: str
    name: str
    email: str
    password: str


def what_is_wrong(wished: Wished) -> str:
    """Return one sentence that says what to change about all but the password, or an empty text."""
    if not _USERNAME.fullmatch(wished.username):
        return "Choose a user name of 3 to 64 letters, digits or . _ + - that begins with a letter or digit."
    if wished.email and not _EMAIL.fullmatch(wished.email):
        return "The e-mail address is not complete; leave it empty if you want to give none."
    if len(wished.name) > _LONGEST_NAME or not wished.name.isprintable():
        return f"The name is longer than {_LONGEST_NAME} characters, or holds some that cannot be shown."
    return ""


def context_of(wished: Wished, realm: Realm) -> set[str]:
    """Return the words a password must not be made of."""
    return {wished.username, wished.name, wished.email.partition("@")[0], realm.id, realm.display_name}


def make_account(realm: str, wished: Wished, password_hash: str, now: EpochSeconds) -> Write[Account | None]:
    """Make the account. None: somebody has this user name."""
    if (yield from account_by_username(realm, wished.username, now)) is not None:
        return None
    account = Account(
        realm=realm,
        id=new_account_id(),
        username=wished.username,
        name=wished.name.strip(),
        email=wished.email,
        password_hash=password_hash,
        created_at=now,
        updated_at=now,
        managed_by="sign_up",
    )
    outcome = yield from put(account, now)
    return outcome.record if isinstance(outcome, Stored) else None
