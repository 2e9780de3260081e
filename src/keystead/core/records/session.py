"""A person's session at the issuer, and the evidence it rests on."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds


class Evidence(msgspec.Struct, frozen=True):
    """One thing the person proved: the RFC 8176 method (`pwd`, `otp`, `hwk`) and when."""

    method: str
    at: EpochSeconds


class Session(Record, frozen=True, kw_only=True):
    """A session. Its `id` is the public `sid`; the cookie's handle is stored only as `handle_digest`.

    The id stays through re-authentication so that logout and revocation reach everything bought with it; the
    handle is replaced at every sign-in, re-authentication and step-up. `clients` are those that want to hear when it
    ends and were signed in to with it: a grant may be long gone while the application still shows who is signed in.
    """

    kind: ClassVar[str] = "session"
    unique_indexes: ClassVar[tuple[str, ...]] = ("handle_digest",)
    indexes: ClassVar[tuple[str, ...]] = ("subject",)

    handle_digest: str
    subject: str
    evidence: tuple[Evidence, ...] = ()
    authority_epoch: int = 0
    created_at: EpochSeconds = EpochSeconds(0)
    last_seen_at: EpochSeconds = EpochSeconds(0)
    ended_at: EpochSeconds | None = None
    user_agent: str = ""
    clients: tuple[str, ...] = ()
