"""Tells whether two sides hold the same tuples, without holding them all: a count, and a sum that knows no order."""

from __future__ import annotations

import hashlib

import msgspec

from keystead.storage.ports import Relationship

_MODULUS = 1 << 128


class Fingerprint(msgspec.Struct):
    """What was seen: how many tuples, and the sum of their digests."""

    count: int = 0
    sum: int = 0

    def add(self, tuple: Relationship) -> None:
        """Count a tuple in, with its condition, context and end."""
        digest = hashlib.sha256(msgspec.json.encode(tuple)).digest()
        self.count += 1
        self.sum = (self.sum + int.from_bytes(digest[:16], "big")) % _MODULUS
