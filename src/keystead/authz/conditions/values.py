"""What CEL computes with at run time, and how a computation fails.

Shape: bool, int (64 bits), float, str, bytes, None, list and dict are Python's own. What Python lacks are whole
numbers in disguise, so that they compare at full speed: `Unsigned`, `Timestamp` (nanoseconds since 1970) and
`Duration` (nanoseconds). Values are never changed once made.
"""

from __future__ import annotations

from typing import Final

import msgspec

MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**63 - 1
MAX_UNSIGNED: Final = 2**64 - 1
SECOND: Final = 1_000_000_000
MIN_TIMESTAMP: Final = -62_135_596_800 * SECOND
MAX_TIMESTAMP: Final = 253_402_300_800 * SECOND - 1
BUDGET: Final = 10_000


class Failure(Exception):
    """An error in CEL's sense: `||` and `&&` may do without it, otherwise the condition has no answer."""


class TooCostly(Exception):
    """The evaluation was given up. Nothing absorbs it."""


class Unsigned(int):
    """CEL's `uint`."""

    __slots__ = ()


class Timestamp(int):
    """Nanoseconds since 1970, between the years 1 and 9999."""

    __slots__ = ()


class Duration(int):
    """Nanoseconds, 64 bits."""

    __slots__ = ()


class IPAddress(msgspec.Struct, frozen=True):
    """An IP address as a number; an IPv4 address written as IPv6 is that IPv4 address."""

    number: int
    is_v6: bool = False
    zone: str = ""


class TypeName(msgspec.Struct, frozen=True):
    """What `type(x)` gives."""

    name: str


class BoolKey(msgspec.Struct, frozen=True):
    """A bool as the key of a map: Python takes `True` for 1, CEL does not."""

    value: bool


class Budget:
    """What an evaluation may still cost. One unit is a turn of a loop, or some 64 bytes or 16 items handled."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = BUDGET

    def spend(self, units: int) -> None:
        """Pay. Raises: TooCostly."""
        self.left -= units
        if self.left < 0:
            raise TooCostly


NAMES: Final[dict[type, str]] = {
    bool: "bool",
    int: "int",
    Unsigned: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    dict: "map",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    IPAddress: "IPAddress",
    TypeName: "type",
}


def no_overload(function: str, *values: object) -> Failure:
    """Say that a function does not take these types."""
    return Failure(f"{function} does not take {', '.join(NAMES.get(type(value), '?') for value in values)}")
