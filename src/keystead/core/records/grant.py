"""A grant: what one authorization bought, from the code to the last token of its refresh family."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds, new_identifier

GRANT_PREFIX: Final = "grt"


def new_grant_id() -> str:
    """Return a fresh grant id: `grt_` and 128 random bits, which a refresh token carries as its family."""
    return new_identifier(GRANT_PREFIX)


class Grant(Record, frozen=True, kw_only=True):
    """A grant. Its `id` is carried by every token it buys (`gid`) and names its refresh family.

    `authorization_details` were consented to, `claims` is the `claims` parameter of the request, `binding` the
    confirmation (`SenderBinding.text`) its refresh tokens are bound to, empty for none.
    Revoking it kills the refresh family and every access token at introspection and exchange.
    """

    kind: ClassVar[str] = "grant"
    indexes: ClassVar[tuple[str, ...]] = ("subject", "client_id", "sid")

    subject: str
    client_id: str
    sid: str = ""
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: EpochSeconds = EpochSeconds(0)
    nonce: str = ""
    authority_epoch: int = 0
    created_at: EpochSeconds = EpochSeconds(0)
    revoked_at: EpochSeconds | None = None
    offline: bool = False
    authorization_details: tuple[dict[str, Any], ...] = ()
    claims: dict[str, Any] = {}
    binding: str = ""
