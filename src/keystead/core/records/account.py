"""An account: one person in one realm."""

from __future__ import annotations

from typing import Any, ClassVar

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds


class Account(Record, frozen=True, kw_only=True):
    """An account. Its `id` is the `sub`: random, never reused, never a name or an address.

    `configured_password_mac` tells, without saying what it is, whether the configuration file's password has changed.
    `user_code_mac` knows, without saying it, the code that must come with a backchannel authentication request (CIBA).
    `claims` holds OIDC standard claims beyond those with a field. `password_hash` is an Argon2id string.
    `new_password_due` says why a new password has to be chosen before anything else, empty when none has to be.
    `second_factors` are the types of the factors that have to be proved beside the password; it follows the factors.
    `authority_epoch` grows whenever all that was granted before must die (password change, disable, log out
    everywhere); sessions and grants remember the epoch they were made in.
    """

    kind: ClassVar[str] = "account"
    unique_indexes: ClassVar[tuple[str, ...]] = ("username",)
    indexes: ClassVar[tuple[str, ...]] = ("email",)

    username: str
    enabled: bool = True
    password_hash: str = ""
    configured_password_mac: str = ""
    new_password_due: str = ""
    second_factors: tuple[str, ...] = ()
    email: str = ""
    email_verified: bool = False
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    claims: dict[str, Any] = {}
    roles: tuple[str, ...] = ()
    user_code_mac: str = ""
    authority_epoch: int = 0
    created_at: EpochSeconds = EpochSeconds(0)
    updated_at: EpochSeconds = EpochSeconds(0)
    managed_by: str = ""
