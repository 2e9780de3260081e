"""Binding a token to a key of its sender. The hole in the pipeline that DPoP and mTLS plug-ins fill.

Does not: bind anything yet. Every token is a bearer token, and the refresh family is bound to its client.
Spec: RFC 9449, RFC 8705.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.http import Request


class SenderBinding(msgspec.Struct, frozen=True):
    """The key a sender proved to hold; `key` is its confirmation thumbprint, empty for a bearer."""

    key: str = ""

    def family_binding(self, client_id: str) -> str:
        """Return what a refresh family is bound to: the client, and the key if there is one."""
        return f"{len(client_id)}:{client_id}:{self.key}"


BEARER: Final = SenderBinding()


def bind_sender(request: Request) -> SenderBinding:
    """Return the key the request proves, if any."""
    return BEARER
