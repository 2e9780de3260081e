"""Binding a token to a key of its sender: DPoP (RFC 9449) and mTLS (RFC 8705) meet the pipeline here.

Flow: `bind_sender` finds what the request proves -> the pipeline puts `confirmation` into the access token and
`text` into the grant and the refresh family.
Does not: bind anything yet. Every token is a bearer token, and the refresh family is bound to its client.
Spec: RFC 9449, RFC 8705.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.http import Request
from keystead.core.tokens import Confirmation
from keystead.oauth.context import ServerContext


class SenderBinding(msgspec.Struct, frozen=True):
    """The key a sender proved to hold.

    `member` is the member of `cnf` it goes into (`jkt` or `x5t#S256`), `thumbprint` its value; both empty for a bearer.
    """

    member: str = ""
    thumbprint: str = ""

    @property
    def text(self) -> str:
        """The binding as one text, to store and compare: `jkt:...`, `x5t#S256:...`, or empty for a bearer."""
        return f"{self.member}:{self.thumbprint}" if self.member else ""

    @property
    def confirmation(self) -> Confirmation | None:
        """The `cnf` claim of a token bound to it; None for a bearer."""
        if self.member == "jkt":
            return Confirmation(jkt=self.thumbprint)
        return Confirmation(x5t_s256=self.thumbprint) if self.member else None

    @property
    def token_type(self) -> str:
        """The `token_type` of a token bound to it. Spec: RFC 9449 section 5, RFC 8705 section 3."""
        return "DPoP" if self.member == "jkt" else "Bearer"

    def family_binding(self, client_id: str) -> str:
        """Return what a refresh family is bound to: the client, and the key if there is one."""
        return f"{len(client_id)}:{client_id}:{self.text}"


BEARER: Final = SenderBinding()


async def bind_sender(request: Request, cx: ServerContext) -> SenderBinding:
    """Return the key the request proves, if any. Raises: InvalidDpopProof and its siblings."""
    return BEARER
