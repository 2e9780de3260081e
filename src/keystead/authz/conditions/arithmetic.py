"""Arithmetic at run time: checked 64-bit numbers, strings, lists, times.

Spec: CEL language definition, "Overflow and Underflow" and "List of Standard Definitions".
The functions ending in `_int` serve expressions whose types are known; the others look at what they are given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from keystead.authz.conditions.times import duration, timestamp
from keystead.authz.conditions.values import (
    MAX_INT,
    MAX_UNSIGNED,
    MIN_INT,
    Budget,
    Duration,
    Failure,
    Timestamp,
    Unsigned,
    no_overload,
)


def whole(value: int) -> int:
    """Return an int. Raises: Failure when it needs more than 64 bits."""
    if MIN_INT <= value <= MAX_INT:
        return value
    raise Failure("the number needs more than 64 bits")


def unsigned(value: int) -> Unsigned:
    """Return a uint. Raises: Failure when it is negative or needs more than 64 bits."""
    if 0 <= value <= MAX_UNSIGNED:
        return Unsigned(value)
    raise Failure("the number is negative or needs more than 64 bits")


def add_int(one: int, two: int) -> int:
    """`one + two`."""
    return whole(one + two)


def subtract_int(one: int, two: int) -> int:
    """`one - two`."""
    return whole(one - two)


def multiply_int(one: int, two: int) -> int:
    """`one * two`."""
    return whole(one * two)


def divide_int(one: int, two: int) -> int:
    """`one / two`, cut towards zero."""
    if two == 0:
        raise Failure("division by zero")
    quotient = abs(one) // abs(two)
    return whole(quotient if (one < 0) == (two < 0) else -quotient)


def modulo_int(one: int, two: int) -> int:
    """`one % two`, with the sign of `one`."""
    if two == 0:
        raise Failure("division by zero")
    if one == MIN_INT and two == -1:
        raise Failure("the number needs more than 64 bits")
    rest = abs(one) % abs(two)
    return -rest if one < 0 else rest


def divide_double(one: float, two: float) -> float:
    """`one / two`, infinite or not a number where IEEE 754 says so."""
    if two != 0:
        return one / two
    if one == 0 or math.isnan(one):
        return math.nan
    return math.copysign(math.inf, one) * math.copysign(1, two)


def add(one: Any, two: Any, budget: Budget) -> object:
    """`one + two` by what they are. Raises: Failure, TooCostly."""
    kind = type(one)
    if kind is type(two) and kind in (str, bytes, list):
        budget.spend(1 + (len(one) + len(two)) // (16 if kind is list else 64))
        return one + two
    return _apply(_ADD, "+", one, two)


def subtract(one: object, two: object) -> object:
    """`one - two` by what they are. Raises: Failure."""
    return _apply(_SUBTRACT, "-", one, two)


def multiply(one: object, two: object) -> object:
    """`one * two` by what they are. Raises: Failure."""
    return _apply(_MULTIPLY, "*", one, two)


def divide(one: object, two: object) -> object:
    """`one / two` by what they are. Raises: Failure."""
    return _apply(_DIVIDE, "/", one, two)


def modulo(one: object, two: object) -> object:
    """`one % two` by what they are. Raises: Failure."""
    return _apply(_MODULO, "%", one, two)


def negate(value: object) -> object:
    """`-value` by what it is. Raises: Failure."""
    if type(value) is int:
        return whole(-value)
    if type(value) is float:
        return -value
    raise no_overload("-", value)


_Table = dict[tuple[type, type], Callable[[Any, Any], object]]


def _apply(table: _Table, sign: str, one: object, two: object) -> object:
    operation = table.get((type(one), type(two)))
    if operation is None:
        raise no_overload(sign, one, two)
    return operation(one, two)


_ADD: Final[_Table] = {
    (int, int): add_int,
    (Unsigned, Unsigned): lambda one, two: unsigned(int(one) + int(two)),
    (float, float): lambda one, two: one + two,
    (Duration, Duration): lambda one, two: duration(int(one) + int(two)),
    (Timestamp, Duration): lambda one, two: timestamp(int(one) + int(two)),
    (Duration, Timestamp): lambda one, two: timestamp(int(one) + int(two)),
}
_SUBTRACT: Final[_Table] = {
    (int, int): subtract_int,
    (Unsigned, Unsigned): lambda one, two: unsigned(int(one) - int(two)),
    (float, float): lambda one, two: one - two,
    (Duration, Duration): lambda one, two: duration(int(one) - int(two)),
    (Timestamp, Duration): lambda one, two: timestamp(int(one) - int(two)),
    (Timestamp, Timestamp): lambda one, two: duration(int(one) - int(two)),
}
_MULTIPLY: Final[_Table] = {
    (int, int): multiply_int,
    (Unsigned, Unsigned): lambda one, two: unsigned(int(one) * int(two)),
    (float, float): lambda one, two: one * two,
}
_DIVIDE: Final[_Table] = {
    (int, int): divide_int,
    (Unsigned, Unsigned): lambda one, two: _divide_unsigned(int(one), int(two)),
    (float, float): divide_double,
}
_MODULO: Final[_Table] = {
    (int, int): modulo_int,
    (Unsigned, Unsigned): lambda one, two: Unsigned(modulo_int(int(one), int(two))),
}


def _divide_unsigned(one: int, two: int) -> Unsigned:
    if two == 0:
        raise Failure("division by zero")
    return Unsigned(one // two)
