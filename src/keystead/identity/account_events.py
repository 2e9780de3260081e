"""What happened to an account, as security events: what a change of its record amounts to."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from keystead.core.records.account import Account
from keystead.core.security_events import (
    ACCOUNT_DISABLED,
    ACCOUNT_ENABLED,
    ACCOUNT_PURGED,
    ADMIN,
    CREDENTIAL_CHANGE,
    IDENTIFIER_CHANGED,
    TOKEN_CLAIMS_CHANGE,
    SecurityEvent,
    by,
)
from keystead.core.values import EpochSeconds
from keystead.identity.security_events import tell
from keystead.storage.ports import Write

_CLAIM_FIELDS = frozenset({"roles", "name", "given_name", "family_name", "email_verified"})


def tell_of_account(account: Account, changed: Collection[str], cause: str, now: EpochSeconds) -> Write[None]:
    """Tell what a change of these fields of an account means to others. `account` is as it is now."""
    events: list[tuple[str, dict[str, Any]]] = []
    if "enabled" in changed:
        events.append((ACCOUNT_ENABLED if account.enabled else ACCOUNT_DISABLED, {}))
    if "password_hash" in changed:
        facts = {"credential_type": "password", "change_type": "update", **by(cause, "the password was changed")}
        events.append((CREDENTIAL_CHANGE, facts))
    if "email" in changed:
        events.append((IDENTIFIER_CHANGED, {"new-value": account.email} if account.email else {}))
    claims = {name: _plain(getattr(account, name)) for name in sorted(_CLAIM_FIELDS & set(changed))}
    if claims:
        events.append((TOKEN_CLAIMS_CHANGE, {"claims": claims, **by(cause, "the account was changed")}))
    for kind, facts in events:
        event = SecurityEvent(type=kind, subject=account.id, email=account.email, facts=facts, at=now)
        yield from tell(account.realm, event, now)


def tell_of_removal(realm: str, account_id: str, now: EpochSeconds) -> Write[None]:
    """Tell that an account is gone for good."""
    yield from tell(realm, SecurityEvent(type=ACCOUNT_PURGED, subject=account_id, at=now), now)


def cause_of(reason: str) -> str:
    """Return who causes what ends an account's authority for a reason."""
    return ADMIN if reason != "password_changed" else "user"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
