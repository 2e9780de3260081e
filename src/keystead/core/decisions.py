"""What every part says about every decision it takes: one `Decision`, one log line, one hop on the X-ray page.

Shape: a decision names the action, the answer, a stable reason slug, the credential that was shown (its
contents, never the secret itself) and each check that ran, with why it said yes or no.
Does not: write anywhere. A `Journal` does; `keystead.sdk.journal` has the one that prints JSON lines.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from keystead.core.trace import TraceContext


class Allowed(msgspec.Struct, frozen=True, tag="allowed"):
    """The answer yes."""


class Denied(msgspec.Struct, frozen=True, tag="denied"):
    """The answer no, with a stable slug and a sentence for whoever has to understand it."""

    reason: str
    detail: str = ""


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at: its name, whether it passed, and why."""

    name: str
    passed: bool
    why: str = ""


class Credential(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went over a wire to prove something: its contents, never its secret.

    `kind` is one of `session_cookie`, `opaque_access_token`, `jwt_access_token`, `refresh_token`,
    `authorization_code`, `id_token`, `workload_assertion`, `client_secret`, `kernel_credentials`, `none`.
    `actors` is the `act` chain, nearest actor first. `lifetime` is `exp - iat` in seconds.
    """

    kind: str
    issuer: str = ""
    audience: tuple[str, ...] = ()
    subject: str = ""
    actors: tuple[str, ...] = ()
    client_id: str = ""
    scope: tuple[str, ...] = ()
    acr: str = ""
    lifetime: int = 0
    expires_at: int = 0
    token_id: str = ""


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """One decision, as logged. `action` is dotted (`token.issue`, `resource.access`, `bus.connect`).

    `facts` carries further public facts (method, path, upstream, tuple path); its keys are stable.
    """

    action: str
    allowed: bool
    reason: str
    trace: TraceContext | None = None
    realm: str = ""
    subject: str = ""
    client_id: str = ""
    credential: Credential | None = None
    issued: Credential | None = None
    checks: tuple[Check, ...] = ()
    facts: dict[str, Any] = {}


class Journal(Protocol):
    """Where decisions go. Implementations stamp the time, the service name and escape what came from outside."""

    def record(self, decision: Decision) -> None:
        """Write one decision. Never raises: losing a line must not change an answer."""
        ...
