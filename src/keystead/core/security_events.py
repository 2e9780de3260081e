"""Security events: what happened to a person's account or session that other systems should act on.

Flow: the transaction in which something happens tells it (`identity.security_events`) -> it waits for each stream that
wants it -> it leaves as a Security Event Token, pushed or polled (`keystead.oauth`).
Spec: RFC 8417, OpenID Shared Signals Framework 1.0, OpenID CAEP 1.0, OpenID RISC 1.0.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.values import EpochSeconds

_CAEP: Final = "https://schemas.openid.net/secevent/caep/event-type/"
_RISC: Final = "https://schemas.openid.net/secevent/risc/event-type/"

SESSION_REVOKED: Final = f"{_CAEP}session-revoked"
CREDENTIAL_CHANGE: Final = f"{_CAEP}credential-change"
TOKEN_CLAIMS_CHANGE: Final = f"{_CAEP}token-claims-change"
ASSURANCE_LEVEL_CHANGE: Final = f"{_CAEP}assurance-level-change"
ACCOUNT_DISABLED: Final = f"{_RISC}account-disabled"
ACCOUNT_ENABLED: Final = f"{_RISC}account-enabled"
ACCOUNT_PURGED: Final = f"{_RISC}account-purged"
IDENTIFIER_CHANGED: Final = f"{_RISC}identifier-changed"
VERIFICATION: Final = "https://schemas.openid.net/secevent/ssf/event-type/verification"

EVENTS_SUPPORTED: Final = (
    SESSION_REVOKED,
    CREDENTIAL_CHANGE,
    TOKEN_CLAIMS_CHANGE,
    ASSURANCE_LEVEL_CHANGE,
    ACCOUNT_DISABLED,
    ACCOUNT_ENABLED,
    ACCOUNT_PURGED,
    IDENTIFIER_CHANGED,
)
"""What a stream may ask for. Every one of them is told by something that really happens here."""

SECURITY_EVENT_TYPE: Final = "secevent+jwt"
SECURITY_EVENT: Final = "security_event"
"""The purpose of a delivery that pushes an event."""

USER: Final = "user"
ADMIN: Final = "admin"
SYSTEM: Final = "system"


class SecurityEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. `subject` is an account id, `sid` a session of it where the event is about one; `email` what the
    account was known by. `facts` are the members of the event itself, without its time.
    """

    type: str
    subject: str = ""
    sid: str = ""
    email: str = ""
    facts: dict[str, Any] = {}
    at: EpochSeconds


def by(entity: str, why: str) -> dict[str, Any]:
    """Return the facts that say who caused an event, and why, in words for an operator. Spec: CAEP 1.0 section 2."""
    return {"initiating_entity": entity, "reason_admin": {"en": why}}
