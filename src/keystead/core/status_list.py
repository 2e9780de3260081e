"""A list of bits, one for each token that was entered: 1 means the token is not good any more.

Shape: bits are packed from the least significant one up, compressed as ZLIB, and written as base64url.
Spec: draft-ietf-oauth-status-list section 4.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

from keystead.core.jose.base64url import decode, encode

STATUS_LIST_TYPE: Final = "statuslist+jwt"
MAXIMUM_INFLATED: Final = 4 << 20

_LEVEL: Final = 9


def write_list(invalid: Iterable[int], size: int) -> str:
    """Return a list of `size` places in which the named ones are invalid."""
    octets = bytearray((size + 7) // 8)
    for index in invalid:
        octets[index >> 3] |= 1 << (index & 7)
    return encode(zlib.compress(bytes(octets), _LEVEL)).decode()


def is_invalid(text: str, index: int) -> bool:
    """Return whether one place of a list says invalid. Raises: ValueError when it is no such list, or shorter."""
    inflating = zlib.decompressobj()
    try:
        octets = inflating.decompress(decode(text.encode()), MAXIMUM_INFLATED)
    except zlib.error:
        raise ValueError("not a compressed list") from None
    if inflating.unconsumed_tail or not 0 <= index < 8 * len(octets):
        raise ValueError("the list is too long, or has no such place")
    return bool(octets[index >> 3] >> (index & 7) & 1)
