"""A second factor of an account: something to prove beside the password."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds

TOTP = "totp"
RECOVERY_CODES = "recovery_codes"


class Factor(Record, frozen=True, kw_only=True):
    """A factor. `type` is `totp` or `recovery_codes`; `name` is what its owner calls it.

    `sealed` is the secret of an authenticator app, sealed for this realm and id. `code_macs` know the recovery codes
    that were not used yet without saying them.
    """

    kind: ClassVar[str] = "factor"
    indexes: ClassVar[tuple[str, ...]] = ("account",)

    account: str
    type: str
    name: str = ""
    sealed: bytes = b""
    code_macs: tuple[str, ...] = ()
    created_at: EpochSeconds = EpochSeconds(0)
    last_used_at: EpochSeconds | None = None
