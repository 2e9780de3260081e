"""The words of a logout that server and relying party share.

Spec: OpenID Connect Back-Channel Logout 1.0 sections 2.4 and 2.6.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.records.client import Client
from keystead.core.records.session import Session

LOGOUT_TOKEN_TYPE: Final = "logout+jwt"  # noqa: S105 - a media type
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TOKEN_LIFETIME: Final = 120
BACKCHANNEL_LOGOUT: Final = "backchannel_logout"
"""The purpose of a delivery that carries a logout token."""


class Ended(msgspec.Struct, frozen=True):
    """A session that was ended just now, and the clients that were signed in to with it."""

    session: Session
    clients: tuple[Client, ...]
