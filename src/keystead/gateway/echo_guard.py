"""Keeps an upstream from handing a token to the browser: a debugging page that prints its request is enough to do it.

Shape: looks for the last characters of the token (of a JWT its signature) in a response, piece by piece, across the
seams. Does not: look into compressed or otherwise encoded bodies.
"""

from __future__ import annotations

from typing import Final

NEEDLE: Final = 32


class EchoGuard:
    """Watches one response for one token."""

    __slots__ = ("_needle", "_seam")

    def __init__(self, needle: bytes) -> None:
        self._needle = needle
        self._seam = b""

    def sees(self, piece: bytes) -> bool:
        """Tell whether the token shows in this piece, or over the seam with the one before."""
        if self._needle in piece:
            return True
        seam, self._seam = (
            self._seam,
            (self._seam + piece)[1 - NEEDLE :] if len(piece) < NEEDLE else piece[1 - NEEDLE :],
        )
        return bool(seam) and self._needle in seam + piece[: NEEDLE - 1]
