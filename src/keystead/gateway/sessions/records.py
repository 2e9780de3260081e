"""What is stored of sessions."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds


class GatewaySession(Record, frozen=True, kw_only=True):
    """A browser's session. Its `id` is the digest of the cookie's handle.

    `sealed` holds `SessionTokens`. `generation` counts refreshes; `refreshing_until` says that some process is
    spending the refresh token right now. `sid` and `subject` are the issuer's, for logout from there; `logout_id`
    is ours and makes a logout link.
    """

    kind: ClassVar[str] = "gateway_session"
    indexes: ClassVar[tuple[str, ...]] = ("sid", "subject")

    sealed: bytes
    subject: str
    sid: str = ""
    logout_id: str = ""
    generation: int = 0
    refreshing_until: EpochSeconds = EpochSeconds(0)
    created_at: EpochSeconds
    touched_at: EpochSeconds


class SessionTokens(msgspec.Struct, frozen=True):
    """What a session's record seals: the tokens, and what the issuer said of the person.

    The texts are plain here because they are encoded to be sealed at once; they leave as `Secret`.
    """

    access_token: str
    access_expires_at: int
    refresh_token: str
    scope: str
    claims: dict[str, Any]

    def __repr__(self) -> str:
        return "SessionTokens(<hidden>)"
