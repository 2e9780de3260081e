"""What a request or a stored tuple gives for a parameter, turned into the declared type or refused with a remedy.

As in OpenFGA: numbers may come as strings, whole numbers as `5.0`, times as RFC 3339, durations as `1h30m`, addresses
as text. Beyond it: numbers out of range are refused, not cut, and Python's `datetime`, `timedelta` and addresses pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from math import isfinite
from typing import Final

from keystead.authz.conditions.addresses import read_address
from keystead.authz.conditions.conversions import to_double
from keystead.authz.conditions.times import duration, read_duration, read_timestamp, timestamp
from keystead.authz.conditions.values import (
    MAX_INT,
    MAX_UNSIGNED,
    MIN_INT,
    SECOND,
    Duration,
    Failure,
    IPAddress,
    Timestamp,
    Unsigned,
)
from keystead.authz.model import Parameter

Cast = Callable[[object], object]
MAX_DEPTH: Final = 64
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,5})?")


def cast_of(parameter: Parameter) -> Cast:
    """Return what turns a value into the type of a parameter. The cast raises Failure saying what to send."""
    if parameter.type == "list":
        return _list_cast(_PLAIN[parameter.generic])
    if parameter.type == "map":
        return _map_cast(_PLAIN[parameter.generic])
    return _PLAIN[parameter.type]


def _any(value: object, depth: int = 0) -> object:
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return float(value)
    if depth < MAX_DEPTH and isinstance(value, list | tuple):
        return [_any(each, depth + 1) for each in value]
    if depth < MAX_DEPTH and isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _any(each, depth + 1) for key, each in value.items()}
    raise _wrong("a JSON value, nested at most 64 deep", value)


def _bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong("true or false", value)


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    raise _wrong("a string", value)


def _int(value: object) -> int:
    if type(value) is int and MIN_INT <= value <= MAX_INT:
        return value
    whole = _whole("a whole number of 64 bits, as a number or as a string", value)
    if MIN_INT <= whole <= MAX_INT:
        return whole
    raise _wrong("a whole number of 64 bits", value)


def _uint(value: object) -> Unsigned:
    whole = _whole("a whole number of at least 0, as a number or as a string", value)
    if 0 <= whole <= MAX_UNSIGNED:
        return Unsigned(whole)
    raise _wrong("a whole number between 0 and 2^64 - 1", value)


def _double(value: object) -> float:
    if type(value) is float and isfinite(value):
        return value
    try:
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return to_double(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return float(value)
    except (Failure, OverflowError):
        pass
    raise _wrong("a number that a double can hold, or one as a string", value)


def _duration(value: object) -> Duration:
    if isinstance(value, Duration):
        return value
    if isinstance(value, timedelta):
        return duration(((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) * 1_000)
    if isinstance(value, str):
        return read_duration(value)
    raise _wrong("a duration such as '90s' or '1h30m'", value)


def _timestamp(value: object) -> Timestamp:
    if isinstance(value, Timestamp):
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        since = value - _EPOCH
        return timestamp((since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1_000)
    if isinstance(value, str):
        return read_timestamp(value)
    raise _wrong("a timestamp such as '2026-01-31T12:00:00Z'", value)


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _address(value: object) -> IPAddress:
    if isinstance(value, IPAddress):
        return value
    if isinstance(value, str | IPv4Address | IPv6Address):
        return read_address(str(value))
    raise _wrong("an IP address such as '192.0.2.1'", value)


_PLAIN: Final[dict[str, Cast]] = {
    "any": _any,
    "bool": _bool,
    "string": _string,
    "int": _int,
    "uint": _uint,
    "double": _double,
    "duration": _duration,
    "timestamp": _timestamp,
    "ipaddress": _address,
}


def _list_cast(item: Cast) -> Cast:
    def cast(value: object) -> object:
        if not isinstance(value, list | tuple):
            raise _wrong("a list", value)
        made = []
        for number, each in enumerate(value):
            try:
                made.append(item(each))
            except Failure as failure:
                raise Failure(f"item {number}: {failure}") from None
        return made

    return cast


def _map_cast(item: Cast) -> Cast:
    def cast(value: object) -> object:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise _wrong("a map", value)
        made = {}
        for key, each in value.items():
            try:
                made[key] = item(each)
            except Failure as failure:
                raise Failure(f"key {key[:60]!r}: {failure}") from None
        return made

    return cast


def _whole(wanted: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        number = Decimal(value)
        if number == 0:
            return 0
        if number.adjusted() <= 40 and number == number.to_integral_value():
            return int(number)
    raise _wrong(wanted, value)


def _wrong(wanted: str, value: object) -> Failure:
    return Failure(f"send {wanted}; this is {_shown(value)}")


def _shown(value: object) -> str:
    kinds = {str: "the string", bool: "the bool", int: "the number", float: "the number"}
    kind = kinds.get(type(value))
    if kind is None:
        if value is None:
            return "null"
        return (
            "a map" if isinstance(value, Mapping) else "a list" if isinstance(value, list | tuple) else "something else"
        )
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**60 else "a very large one"
    return f"{kind} {text[:60]}"
