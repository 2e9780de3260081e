"""What CEL's operators and functions take and give.

Spec: CEL language definition, "List of Standard Definitions"; `ipaddress` and `in_cidr` are OpenFGA's.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.authz.conditions.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    IPADDRESS,
    STRING,
    TIMESTAMP,
    UINT,
    A,
    B,
    Type,
    list_of,
    map_of,
    type_of,
)


class Overload(msgspec.Struct, frozen=True):
    """One way to call a function. A method's receiver is the first argument."""

    takes: tuple[Type, ...]
    gives: Type
    method: bool = False


_LIST: Final = list_of(A)
_MAP: Final = map_of(A, B)
_ORDERED: Final = (BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION)
_NUMBERS: Final = (INT, UINT, DOUBLE)


def _same(types: tuple[Type, ...]) -> tuple[Overload, ...]:
    return tuple(Overload((each, each), each) for each in types)


def _both(takes: tuple[Type, ...], gives: Type) -> tuple[Overload, Overload]:
    return Overload(takes, gives), Overload(takes, gives, method=True)


def _from(gives: Type, *takes: Type) -> tuple[Overload, ...]:
    return tuple(Overload((each,), gives) for each in takes)


def _getter(*takes: Type) -> tuple[Overload, ...]:
    zoned = Overload((TIMESTAMP, STRING), INT, method=True)
    return (*(Overload((each,), INT, method=True) for each in takes), zoned)


_COMPARISON: Final = tuple(Overload((each, each), BOOL) for each in _ORDERED)
_EQUALITY: Final = (Overload((A, A), BOOL),)
_OF_STRINGS: Final = (Overload((STRING, STRING), BOOL, method=True),)

FUNCTIONS: Final[dict[str, tuple[Overload, ...]]] = {
    "!_": _from(BOOL, BOOL),
    "-_": (Overload((INT,), INT), Overload((DOUBLE,), DOUBLE)),
    "+": (
        *_same((INT, UINT, DOUBLE, STRING, BYTES, _LIST, DURATION)),
        Overload((TIMESTAMP, DURATION), TIMESTAMP),
        Overload((DURATION, TIMESTAMP), TIMESTAMP),
    ),
    "-": (
        *_same((INT, UINT, DOUBLE, DURATION)),
        Overload((TIMESTAMP, DURATION), TIMESTAMP),
        Overload((TIMESTAMP, TIMESTAMP), DURATION),
    ),
    "*": _same(_NUMBERS),
    "/": _same(_NUMBERS),
    "%": _same((INT, UINT)),
    "==": _EQUALITY,
    "!=": _EQUALITY,
    "<": _COMPARISON,
    "<=": _COMPARISON,
    ">": _COMPARISON,
    ">=": _COMPARISON,
    "in": (Overload((A, _LIST), BOOL), Overload((A, _MAP), BOOL)),
    "[]": (Overload((_LIST, INT), A), Overload((_MAP, A), B)),
    "size": tuple(each for takes in (STRING, BYTES, _LIST, _MAP) for each in _both((takes,), INT)),
    "contains": _OF_STRINGS,
    "startsWith": _OF_STRINGS,
    "endsWith": _OF_STRINGS,
    "matches": _both((STRING, STRING), BOOL),
    **dict.fromkeys(("getFullYear", "getMonth", "getDayOfYear"), _getter(TIMESTAMP)),
    **dict.fromkeys(("getDayOfMonth", "getDate", "getDayOfWeek"), _getter(TIMESTAMP)),
    **dict.fromkeys(("getHours", "getMinutes", "getSeconds", "getMilliseconds"), _getter(TIMESTAMP, DURATION)),
    "bool": _from(BOOL, BOOL, STRING),
    "bytes": _from(BYTES, BYTES, STRING),
    "double": _from(DOUBLE, DOUBLE, INT, UINT, STRING),
    "duration": _from(DURATION, DURATION, STRING),
    "dyn": (Overload((A,), DYN),),
    "int": _from(INT, INT, UINT, DOUBLE, STRING, TIMESTAMP, DURATION),
    "string": _from(STRING, STRING, BOOL, BYTES, DOUBLE, DURATION, INT, TIMESTAMP, UINT),
    "timestamp": _from(TIMESTAMP, TIMESTAMP, INT, STRING),
    "type": (Overload((A,), type_of(A)),),
    "uint": _from(UINT, UINT, INT, DOUBLE, STRING),
    "ipaddress": _from(IPADDRESS, STRING),
    "in_cidr": (Overload((IPADDRESS, STRING), BOOL, method=True),),
}

GETTERS: Final = frozenset(name for name in FUNCTIONS if name.startswith("get"))
TYPE_NAMES: Final[dict[str, Type]] = {
    "bool": BOOL,
    "bytes": BYTES,
    "double": DOUBLE,
    "int": INT,
    "list": list_of(DYN),
    "map": map_of(DYN, DYN),
    "null_type": Type("null"),
    "string": STRING,
    "type": type_of(DYN),
    "uint": UINT,
    "google.protobuf.Timestamp": TIMESTAMP,
    "google.protobuf.Duration": DURATION,
}
