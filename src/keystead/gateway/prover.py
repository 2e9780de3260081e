"""Proofs the gateway makes for what it sends upstream, where its tokens are bound to its key.

Flow: `dpop: true` in the settings -> every token the gateway buys is bound to a key that lives and dies with this
process -> each relayed request carries a proof of its own. Another gateway process buys tokens with its own key.
Does not: send anything. `relay` sends a request again whose proof lacked the upstream's nonce, if it has no body.
Spec: RFC 9449 sections 4, 7 and 9.
"""

from __future__ import annotations

from typing import Final

from keystead.gateway.head import ResponseHead
from keystead.gateway.hygiene import AUTHENTICATE, DPOP_NONCE
from keystead.gateway.routes import Route
from keystead.sdk.dpop import DpopKey, Nonces

_UNAUTHORIZED: Final = 401
_WANTED: Final = b"use_dpop_nonce"


class Prover:
    """Makes proofs for upstreams, and keeps the nonces they hand out."""

    def __init__(self, key: DpopKey) -> None:
        self.key = key
        self._nonces = Nonces()

    def line(self, method: bytes, route: Route, path: bytes, token: str) -> bytes:
        """Return the header line that goes with one request to `path`, as the upstream sees it."""
        url = f"{_origin(route)}{path.decode('latin-1')}"
        proof = self.key.proof(method.decode("latin-1"), url, token=token, nonce=self._nonces.of(url))
        return b"dpop: %b\r\n" % proof.encode("ascii")

    def note(self, route: Route, head: ResponseHead) -> bool:
        """Keep the nonce of a response. Return whether the upstream wants nothing but that nonce in the proof."""
        fresh = self._nonces.note(_origin(route), head.seen[DPOP_NONCE].decode("latin-1"))
        return fresh and head.status == _UNAUTHORIZED and _WANTED in head.seen.get(AUTHENTICATE, b"")


def _origin(route: Route) -> str:
    return f"{'https' if route.origin.secure else 'http'}://{route.origin.authority}"
