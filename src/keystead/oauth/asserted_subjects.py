"""Whom an assertion of another issuer is about here: a workload, a client, or a person who has an account."""

from __future__ import annotations

from typing import Final

from keystead.core.decisions import Denied
from keystead.core.records.account import Account
from keystead.core.values import EpochSeconds
from keystead.oauth.trusted_issuers import Asserted
from keystead.oauth.verified_addresses import holders_of
from keystead.storage.ports import Read, find, get

_LONGEST: Final = 256
SIGNED_UP: Final = "sign_up"


def asserted_account(asserted: Asserted, now: EpochSeconds) -> Read[Account | Denied]:
    """Return the enabled account an assertion is about.

    Does not: make one. An address counts only where it is verified on both sides, and where one account has it.
    """
    match, claims, realm = asserted.entry.account, asserted.claims, asserted.entry.realm
    if match is None:
        return Denied("assertion.no_person", f"{asserted.entry.id} does not speak about people")
    value = claims.get(match.claim)
    if not isinstance(value, str) or not value or len(value) > _LONGEST:
        return Denied("assertion.no_subject", f"the claim {match.claim} is not a short text")
    if match.matches == "id":
        found = yield from get(Account, realm, value, now)
        accounts = [found] if found is not None else []
    elif match.matches == "email":
        accounts = yield from holders_of(realm, value, now)
    else:
        accounts = yield from find(Account, realm, now, index=match.matches, value=value, limit=2)
    if len(accounts) != 1 or not accounts[0].enabled:
        return Denied("assertion.unknown_subject", f"no one enabled account has this {match.matches}")
    account = accounts[0]
    if match.matches == "email" and not (account.email_verified and claims.get("email_verified") is True):
        return Denied("assertion.unverified_email", "the address is not verified on both sides")
    if match.matches == "username" and account.managed_by == SIGNED_UP:
        return Denied("assertion.unknown_subject", "whoever signed up chose this user name themselves")
    return account
