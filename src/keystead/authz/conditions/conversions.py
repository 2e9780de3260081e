"""Conversions between types at run time, and the functions that look at what they are given.

Spec: CEL language definition, "List of Standard Definitions".
"""

from __future__ import annotations

import math
import re
from datetime import tzinfo
from typing import Final

from keystead.authz.conditions.addresses import lies_in, read_address, read_network
from keystead.authz.conditions.arithmetic import unsigned, whole
from keystead.authz.conditions.times import (
    calendar_field,
    length_field,
    read_duration,
    read_timestamp,
    read_zone,
    timestamp,
    write_duration,
    write_timestamp,
)
from keystead.authz.conditions.values import (
    NAMES,
    SECOND,
    Budget,
    Duration,
    Failure,
    IPAddress,
    Timestamp,
    TypeName,
    Unsigned,
    no_overload,
)

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,40}")
_FLOAT: Final = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE)
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_LONGEST: Final = 1_000
_ZONE: Final = 100  # finding one may read files


def to_int(value: object) -> int:
    """`int(value)`. Raises: Failure."""
    if isinstance(value, Timestamp):
        return int(value) // SECOND
    if isinstance(value, str | float | int) and type(value) is not bool:
        return whole(_whole_number(value, "int"))
    raise no_overload("int", value)


def to_uint(value: object) -> Unsigned:
    """`uint(value)`. Raises: Failure."""
    if type(value) in (str, float, int, Unsigned):
        return unsigned(_whole_number(value, "uint"))
    raise no_overload("uint", value)


def to_double(value: object) -> float:
    """`double(value)`. Raises: Failure."""
    if type(value) in (int, Unsigned, float):
        return float(value)  # type: ignore[arg-type]  # mypy does not follow `type(...) in`
    if isinstance(value, str) and len(value) < _LONGEST and _FLOAT.fullmatch(value):
        number = float(value)
        if not math.isinf(number) or not any(map(str.isdecimal, value)):
            return number
    raise Failure(f"{value[:60]!r} is not a number") if isinstance(value, str) else no_overload("double", value)


def to_string(value: object) -> str:
    """`string(value)`. Raises: Failure."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Timestamp():
            return write_timestamp(value)
        case Duration():
            return write_duration(value)
        case int():
            return str(int(value))
        case float():
            return write_double(value)
        case bytes():
            try:
                return value.decode("utf-8")
            except UnicodeDecodeError:
                raise Failure("the bytes are not UTF-8") from None
        case _:
            raise no_overload("string", value)


def to_bool(value: object) -> bool:
    """`bool(value)`. Raises: Failure."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _TRUE | _FALSE:
        return value in _TRUE
    raise Failure(f"{value[:60]!r} is not a bool") if isinstance(value, str) else no_overload("bool", value)


def to_bytes(value: object, budget: Budget) -> bytes:
    """`bytes(value)`. Raises: Failure, TooCostly."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        budget.spend(1 + len(value) // 64)
        return value.encode("utf-8", "surrogatepass")
    raise no_overload("bytes", value)


def to_timestamp(value: object) -> Timestamp:
    """`timestamp(value)`. Raises: Failure."""
    if isinstance(value, Timestamp):
        return value
    if isinstance(value, str):
        return read_timestamp(value)
    if type(value) is int:
        return timestamp(value * SECOND)
    raise no_overload("timestamp", value)


def to_duration(value: object) -> Duration:
    """`duration(value)`. Raises: Failure."""
    if isinstance(value, Duration):
        return value
    if isinstance(value, str):
        return read_duration(value)
    raise no_overload("duration", value)


def to_address(value: object) -> IPAddress:
    """`ipaddress(value)`. Raises: Failure."""
    if isinstance(value, str):
        return read_address(value)
    raise no_overload("ipaddress", value)


def in_cidr(address: object, network: object) -> bool:
    """`address.in_cidr(network)`. Raises: Failure."""
    if isinstance(address, IPAddress) and isinstance(network, str):
        return lies_in(address, read_network(network))
    raise no_overload("in_cidr", address, network)


def type_of(value: object) -> TypeName:
    """`type(value)`."""
    return TypeName(NAMES[type(value)])


def field(function: str, value: object, zone: object, budget: Budget) -> int:
    """`value.getHours(zone)` and its kin, for a zone only the run tells. Raises: Failure, TooCostly."""
    if isinstance(value, Timestamp) and isinstance(zone, str):
        budget.spend(_ZONE if zone else 1)
        return calendar_field(function, value, read_zone(zone))
    if isinstance(value, Duration) and zone == "":
        return length_field(function, value)
    raise no_overload(function, value)


def field_in(function: str, value: object, zone: tzinfo) -> int:
    """`value.getHours("Europe/Berlin")` and its kin. Raises: Failure."""
    if isinstance(value, Timestamp):
        return calendar_field(function, value, zone)
    raise no_overload(function, value)


def write_double(value: float) -> str:
    """Write a double as Go does: the shortest text that reads back, with an exponent from a million on."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[repr(value)]
    sign = "-" if repr(value)[0] == "-" else ""
    mantissa, _, exponent = f"{abs(value)!r}e".partition("e")
    whole_part, _, fraction = mantissa.partition(".")
    digits = (whole_part + fraction).lstrip("0").rstrip("0") or "0"
    point = len(whole_part) + int(exponent.rstrip("e") or 0)
    if whole_part == "0":
        point = int(exponent.rstrip("e") or 0) - (len(fraction) - len(fraction.lstrip("0")))
    if digits == "0":
        return f"{sign}0"
    if -4 <= point - 1 < 6:
        padded = digits.ljust(point, "0") if point > 0 else digits
        text = f"{padded[:point]}.{padded[point:]}" if point > 0 else f"0.{'0' * -point}{digits}"
        return sign + text.rstrip(".")
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1):02}"


def _whole_number(value: object, kind: str) -> int:
    if isinstance(value, str):
        if _WHOLE.fullmatch(value) and not (kind == "uint" and value[0] in "+-"):
            return int(value)
        raise Failure(f"{value[:60]!r} is not a whole number")
    if isinstance(value, float):
        if kind == "uint" and value < 0:
            raise Failure("the number is negative")
        if not -9.3e18 < value < 1.9e19 or value in (-(2.0**63), 2.0**63 if kind == "int" else 2.0**64):
            raise Failure("the number needs more than 64 bits")
        return int(value)
    assert isinstance(value, int)
    return int(value)
