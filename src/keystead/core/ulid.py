"""ULIDs: 26 characters, 48 bits of milliseconds and 80 bits of chance, so that their order is the order of making.

Spec: github.com/ulid/spec (Crockford's alphabet; the first character is at most 7).
Does not: read the clock, or keep anything between two calls.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 26
_BITS: Final = 128
_TURNED: Final = str.maketrans(_ALPHABET, _ALPHABET[::-1])
ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
"""A ULID, as OpenFGA's SDKs demand it. Lower case is another text."""


def new_ulid(milliseconds: int, after: str = "") -> str:
    """Make a ULID of this moment; with `after`, one that sorts behind that one whatever the clock says."""
    number = milliseconds << 80 | secrets.randbits(80)
    return _text(max(number, _number(after) + 1) if after else number)


def derived_ulid(*names: str) -> str:
    """Return the ULID that always belongs to these names."""
    told_apart = "".join(f"{len(name)}:{name}" for name in names)
    return _text(int.from_bytes(hashlib.sha256(told_apart.encode()).digest()[:16], "big"))


def milliseconds_of(ulid: str) -> int:
    """Return when a ULID was made."""
    return _number(ulid) >> 80


def turned(ulid: str) -> str:
    """Return a text that sorts the other way round: the newest first. Applied twice it is the ULID again."""
    return ulid.translate(_TURNED)


def _number(ulid: str) -> int:
    number = 0
    for character in ulid:
        number = number << 5 | _ALPHABET.index(character)
    return number


def _text(number: int) -> str:
    number %= 1 << _BITS
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))
