"""Base64url without padding, strictly: one text for each sequence of bytes.

Spec: RFC 7515 section 2 and appendix C, RFC 4648 section 3.5 (unused bits must be zero).
"""

from __future__ import annotations

from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from typing import Final

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_STANDARD: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_STANDARD: Final = bytes(_STANDARD[_ALPHABET.index(octet)] if octet in _ALPHABET else 0x21 for octet in range(256))
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_LAST: Final = (None, b"", _ALPHABET[::16], _ALPHABET[::4])
_PADDING: Final = (b"", b"", b"==", b"=")


def encode(octets: bytes) -> bytes:
    """Return the base64url text, as ASCII bytes without padding."""
    return b2a_base64(octets, newline=False).translate(_TO_URL, b"=")


def decode(text: bytes) -> bytes:
    """Return the bytes a base64url text stands for.

    Raises: ValueError for padding, white space, any foreign character, an impossible length or non-zero unused
    bits: each of them would give one token two spellings.
    """
    left_over = len(text) % 4
    allowed = _LAST[left_over]
    if allowed is not None and text[-1] not in allowed:
        raise ValueError("not base64url: unused bits are set, or a character is missing")
    try:
        return a2b_base64(text.translate(_TO_STANDARD) + _PADDING[left_over], strict_mode=True)
    except BinasciiError:
        raise ValueError("not base64url without padding") from None
