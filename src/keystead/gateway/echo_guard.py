"""Keeps an upstream from handing a token to the browser: a debugging page that prints its request is enough to do it.

Shape: looks for the last characters of the token (of a JWT its signature) in a response, piece by piece, and across
the seam of two pieces. Does not: look into compressed or otherwise encoded bodies.
"""

from __future__ import annotations

from typing import Final

NEEDLE: Final = 32


def shows(needle: bytes, last: bytes, piece: bytes) -> bool:
    """Tell whether the token shows in this piece, or over the seam with what was before it."""
    return needle in piece or (bool(last) and needle in last[1 - NEEDLE :] + piece[: NEEDLE - 1])


def tail(last: bytes, piece: bytes) -> bytes:
    """Return what the next piece has to be joined to: this one, or of a short one what was before it as well."""
    return piece if len(piece) >= NEEDLE else last[1 - NEEDLE :] + piece
