"""What is stored of sessions and of sign-ins under way."""

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


class LoginTransaction(Record, frozen=True, kw_only=True):
    """A sign-in under way. Its `id` is the digest of `state`; `browser` the digest of the browser's sign-in cookie.

    `sealed` holds `LoginSecrets`. `number` orders the sign-ins of one browser. `replaces` is the session the browser
    had when it began, to be ended.
    """

    kind: ClassVar[str] = "gateway_login"
    indexes: ClassVar[tuple[str, ...]] = ("browser",)

    browser: str
    sealed: bytes
    return_to: str
    replaces: str = ""
    number: int = 0


class LoginSecrets(msgspec.Struct, frozen=True):
    """What only the gateway may know of a sign-in under way."""

    nonce: str
    code_verifier: str

    def __repr__(self) -> str:
        return "LoginSecrets(<hidden>)"
