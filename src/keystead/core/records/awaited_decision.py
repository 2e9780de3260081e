"""A decision that a client waits for while a person takes it elsewhere: on a phone for a device, or asked by CIBA."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.records.authorization_code import AuthorizationCode
from keystead.core.records.interaction import Interaction
from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds


class AwaitedDecision(Record, frozen=True, kw_only=True):
    """One decision. Its `id` is the digest of the handle the client polls with (`device_code`, `auth_req_id`).

    `purpose` is `device` or `ciba`. `request` is the validated request, a template of the interaction in which the
    person answers. `user_code_mac` finds it by what a person types; `subject` is whom CIBA asks.
    `asked_from` and `asked_with` are the address and user agent of whoever began it, for the person to judge;
    `begun_from` is that address as devices are counted by it.
    `binding_message` is shown at both ends. `decided` is what was allowed; `denied` and `redeemed_at` speak for
    themselves. `ends_at` ends the wait; the record stays a while longer, so that an expired handle can be told from an
    unknown one. `interval` grows whenever the client polls too fast.
    `delivery` is `poll`, `ping` or `push`; `sealed_notification_token` opens the client's notification endpoint.
    `sealed_handle` is the handle itself, kept only where it has to be sent (ping, push); `sealed_answer` the tokens
    that were pushed, for further attempts.
    Spec: RFC 8628 section 3, OpenID Connect Client-Initiated Backchannel Authentication section 7.
    """

    kind: ClassVar[str] = "awaited_decision"
    unique_indexes: ClassVar[tuple[str, ...]] = ("user_code_mac",)
    indexes: ClassVar[tuple[str, ...]] = ("subject", "begun_from")

    purpose: str
    client_id: str
    request: Interaction
    begun_at: EpochSeconds
    ends_at: EpochSeconds
    interval: int = 5
    last_polled_at: EpochSeconds = EpochSeconds(0)
    user_code_mac: str = ""
    subject: str = ""
    asked_from: str = ""
    begun_from: str = ""
    asked_with: str = ""
    binding: str = ""
    binding_message: str = ""
    decided: AuthorizationCode | None = None
    denied: bool = False
    redeemed_at: EpochSeconds | None = None
    delivery: str = "poll"
    sealed_notification_token: bytes = b""
    sealed_handle: bytes = b""
    sealed_answer: bytes = b""

    def waits(self, now: EpochSeconds) -> bool:
        """Return whether nobody has answered yet, and there is time to."""
        return self.decided is None and not self.denied and self.ends_at > now
