"""What checking a token comes to: the token, or why not. Never a bare bool."""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.core.decisions import Check


class Header(msgspec.Struct, frozen=True):
    """The protected header, as far as it decides anything.

    `typ` is in lower case and without its `application/` prefix, empty when absent; `kid` is None when absent.
    """

    algorithm: str
    kid: str | None
    typ: str


class VerifiedToken(msgspec.Struct, frozen=True):
    """A token whose signature is good and whose payload is one strict JSON object.

    Does not: say that the token is for us, or still valid. `claims.check_claims` does.
    """

    header: Header
    claims: dict[str, Any]


class VerifiedPayload(msgspec.Struct, frozen=True):
    """A JWS whose signature is good, its payload being any bytes."""

    header: Header
    payload: bytes


class Rejected(msgspec.Struct, frozen=True):
    """A token that is not accepted. `reason` is a stable slug; `detail` explains, quoting nothing secret.

    `checks` are those that ran before it failed, the failing one last, where there were any.
    """

    reason: str
    detail: str = ""
    checks: tuple[Check, ...] = ()
