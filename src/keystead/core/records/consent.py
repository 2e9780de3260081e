"""What a person allowed a client."""

from __future__ import annotations

from typing import Any, ClassVar

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds


def consent_id(subject: str, client_id: str) -> str:
    """Return the id of the one consent of a person for a client. Length-prefixed, so no two pairs collide."""
    return f"{len(subject)}:{subject}:{client_id}"


class Consent(Record, frozen=True, kw_only=True):
    """A remembered consent. `scopes` and `authorization_details` were allowed for `resources` (audiences)."""

    kind: ClassVar[str] = "consent"
    indexes: ClassVar[tuple[str, ...]] = ("subject", "client_id")

    subject: str
    client_id: str
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    authorization_details: tuple[dict[str, Any], ...] = ()
    granted_at: EpochSeconds = EpochSeconds(0)
