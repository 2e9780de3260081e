"""Whose an e-mail address is: of the accounts that say they have it, those that proved it.

Does not: let an address that somebody merely typed take it from whoever verified it, however many type it.
"""

from __future__ import annotations

from keystead.core.records.account import Account
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, find


def accounts_with(realm: str, address: str, now: EpochSeconds) -> Read[list[Account]]:
    """Return every account that has the address, verified or not."""
    found: list[Account] = []
    page = yield from find(Account, realm, now, index="email", value=address)
    while page:
        found += page
        page = yield from find(Account, realm, now, index="email", value=address, after=page[-1].id)
    return found


def holders_of(realm: str, address: str, now: EpochSeconds) -> Read[list[Account]]:
    """Return the accounts that verified the address, or where none has, those that only say it."""
    found = yield from accounts_with(realm, address, now)
    return [account for account in found if account.email_verified] or found
