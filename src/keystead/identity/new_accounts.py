"""New accounts that people make themselves: what may be chosen, and the one write that makes it.

Does not: prove an address. An e-mail address typed here is not verified, and says so in every token.
Spec: NIST SP 800-63B section 3.1.1.2 (length, context words, no composition rules), OWASP ASVS 6.2.1, 6.2.5, 6.2.11.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from keystead.core.records.account import Account
from keystead.core.records.realm import Realm
from keystead.core.values import EpochSeconds
from keystead.identity.accounts import account_by_username, new_account_id
from keystead.identity.passwords import MAXIMUM_PASSWORD_BYTES
from keystead.storage.ports import Stored, Write, put

SHORTEST_PASSWORD: Final = 15
_USERNAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{2,63}", re.ASCII)
"""Never an address: where either may name a person, a stranger's user name must not be somebody's address."""
_EMAIL: Final = re.compile(r"[^\s@]{1,64}@[^\s@.]{1,63}(?:\.[^\s@.]{1,63}){1,8}")
_LONGEST_NAME: Final = 128
_SHORTEST_CONTEXT_WORD: Final = 4


class Wished(msgspec.Struct, frozen=True, kw_only=True):
    """What a person typed."""

    username: str
    name: str
    email: str
    password: str


def what_is_wrong(wished: Wished, realm: Realm) -> str:
    """Return one sentence that says what to change, or an empty text."""
    if not _USERNAME.fullmatch(wished.username):
        return "Choose a user name of 3 to 64 letters, digits or . _ + - that begins with a letter or digit."
    if wished.email and not _EMAIL.fullmatch(wished.email):
        return "The e-mail address is not complete; leave it empty if you want to give none."
    if len(wished.name) > _LONGEST_NAME or not wished.name.isprintable():
        return f"The name is longer than {_LONGEST_NAME} characters, or holds some that cannot be shown."
    return _wrong_with_password(wished, realm)


def _wrong_with_password(wished: Wished, realm: Realm) -> str:
    password = wished.password
    if len(password) < SHORTEST_PASSWORD:
        return f"Choose a password of at least {SHORTEST_PASSWORD} characters; several words make a good one."
    if len(password.encode("utf-8", "surrogatepass")) > MAXIMUM_PASSWORD_BYTES:
        return f"The password is longer than {MAXIMUM_PASSWORD_BYTES} bytes."
    if len(set(password)) < SHORTEST_PASSWORD // 3:
        return "The password repeats a few characters; choose one that is harder to guess."
    words = {wished.username, wished.name, wished.email.partition("@")[0], realm.id, realm.display_name}
    rest = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _SHORTEST_CONTEXT_WORD:
            rest = rest.replace(word.casefold(), "")
    if len(rest) < SHORTEST_PASSWORD // 2:
        return "The password is little more than a name; choose one that nobody who knows you would guess."
    return ""


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
