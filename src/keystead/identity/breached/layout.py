"""How the file is laid out, for the one who writes it and the one who reads it.

    header | offsets of the buckets, one more than there are | buckets, each from a byte of its own

All numbers are little-endian. A bucket is read from its highest bit: each difference is a quotient in unary (ones, then
a zero) and `rice_bits` of remainder; ones fill what is left of the last byte.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Final

import msgspec

MAGIC: Final = b"KEYSTEAD BREACHED 1\n"
_HEADER: Final = struct.Struct(f"<{len(MAGIC)}sBBBxQQ")
HEADER_BYTES: Final = _HEADER.size
OFFSET_BYTES: Final = 8
HASH_BITS: Final = 64
_PER_BUCKET: Final = 256


class Layout(msgspec.Struct, frozen=True):
    """The header: 2 to the `bucket_bits` buckets of values of `value_bits`, coded with `rice_bits`.

    `size` is that of the whole file: a file cut short is refused.
    """

    bucket_bits: int
    value_bits: int
    rice_bits: int
    count: int
    size: int = 0

    def encode(self) -> bytes:
        """Write the header."""
        return _HEADER.pack(MAGIC, self.bucket_bits, self.value_bits, self.rice_bits, self.count, self.size)

    @property
    def buckets_at(self) -> int:
        """Where the first bucket begins."""
        return HEADER_BYTES + OFFSET_BYTES * ((1 << self.bucket_bits) + 1)

    def place(self, hashed: int) -> tuple[int, int]:
        """Return the bucket of a hash and its value there."""
        bucket = hashed >> (HASH_BITS - self.bucket_bits)
        rest = HASH_BITS - self.bucket_bits - self.value_bits
        return bucket, (hashed >> rest) & ((1 << self.value_bits) - 1)


def layout_for(count: int, certainty_bits: int) -> Layout:
    """Choose a layout for so many passwords, of which a stranger meets one in 2 to the `certainty_bits`."""
    bucket_bits = max(0, (count // _PER_BUCKET).bit_length())
    crowd_bits = max(1, (count >> bucket_bits).bit_length())
    value_bits = min(certainty_bits + crowd_bits, HASH_BITS - bucket_bits)
    return Layout(bucket_bits, value_bits, max(1, value_bits - crowd_bits), count)


def decode(header: bytes) -> Layout | None:
    """Read a header. None: this is no such file."""
    if len(header) < HEADER_BYTES:
        return None
    magic, *numbers = _HEADER.unpack_from(header)
    layout = Layout(*numbers)
    sound = 0 < layout.rice_bits <= layout.value_bits <= HASH_BITS - layout.bucket_bits
    return layout if magic == MAGIC and sound else None


def hash_of(password: str) -> int:
    """Return the first 64 bits of a password's SHA-1, which is what the public lists have."""
    return prefix_of(hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest())


def prefix_of(digest: bytes) -> int:
    """Return the first 64 bits of a SHA-1."""
    return int.from_bytes(digest[: HASH_BITS // 8], "big")
