"""Equality, order, membership and access at run time, for values whose types only the run tells.

Spec: CEL language definition, "Equality", "Ordering" and "Aggregate Values".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from keystead.authz.conditions.values import (
    BoolKey,
    Budget,
    Duration,
    Failure,
    Timestamp,
    Unsigned,
    no_overload,
)

_NUMBERS: Final = frozenset({int, Unsigned, float})
_ORDERED: Final = frozenset({bool, str, bytes, Timestamp, Duration})
_KEYS: Final = frozenset({str, int, Unsigned, float})
_MISSING: Final = object()


def equals(one: Any, two: Any, budget: Budget) -> bool:
    """`one == two`; values of different types differ, numbers compare as numbers. Raises: TooCostly."""
    kind, other = type(one), type(two)
    if kind is not other:
        return _alike(one, two) if kind in _NUMBERS and other in _NUMBERS else False
    if kind is list:
        budget.spend(1 + len(one) // 16)
        if len(one) != len(two):
            return False
        for left, right in zip(one, two, strict=True):  # noqa: SIM110  # a generator would double the depth
            if not equals(left, right, budget):
                return False
        return True
    if kind is dict:
        budget.spend(1 + len(one) // 16)
        if len(one) != len(two):
            return False
        for key, value in one.items():
            found = two.get(key, _MISSING)
            if found is _MISSING or not equals(value, found, budget):
                return False
        return True
    return bool(one == two)


def less(one: Any, two: Any) -> bool:
    """`one < two` by what they are. Raises: Failure."""
    one, two = _in_order("<", one, two)
    return bool(one < two)


def at_most(one: Any, two: Any) -> bool:
    """`one <= two` by what they are. Raises: Failure."""
    one, two = _in_order("<=", one, two)
    return bool(one <= two)


def as_bool(value: object) -> bool:
    """Demand a bool. Raises: Failure."""
    if value is True or value is False:
        return value is True
    raise no_overload("a place for a bool", value)


def in_list(items: list[Any], wanted: Any, budget: Budget) -> bool:
    """`wanted in items`, both of one plain type. Raises: TooCostly."""
    budget.spend(1 + len(items) // 16)
    return wanted in items


def in_string(text: str, wanted: str, budget: Budget) -> bool:
    """`text.contains(wanted)`. Raises: TooCostly."""
    budget.spend(1 + len(text) // 64)
    return wanted in text


def contains(text: object, wanted: object, budget: Budget) -> bool:
    """`text.contains(wanted)` by what they are. Raises: Failure, TooCostly."""
    if isinstance(text, str) and isinstance(wanted, str):
        return in_string(text, wanted, budget)
    raise no_overload("contains", text, wanted)


def starts_with(text: object, wanted: object) -> bool:
    """`text.startsWith(wanted)` by what they are. Raises: Failure."""
    if isinstance(text, str) and isinstance(wanted, str):
        return text.startswith(wanted)
    raise no_overload("startsWith", text, wanted)


def ends_with(text: object, wanted: object) -> bool:
    """`text.endsWith(wanted)` by what they are. Raises: Failure."""
    if isinstance(text, str) and isinstance(wanted, str):
        return text.endswith(wanted)
    raise no_overload("endsWith", text, wanted)


def within(wanted: object, container: object, budget: Budget) -> bool:
    """`wanted in container` by what they are. Raises: Failure, TooCostly."""
    if type(container) is dict:
        key = _key(wanted)
        if key is None:
            raise no_overload("in", wanted, container)
        return key in container
    if type(container) is list:
        budget.spend(1 + len(container) // 8)
        for item in container:  # noqa: SIM110  # a generator would double the depth
            if equals(wanted, item, budget):
                return True
        return False
    raise no_overload("in", wanted, container)


def item_at(items: list[Any], index: int) -> object:
    """`items[index]`. Raises: Failure."""
    if 0 <= index < len(items):
        return items[index]
    raise Failure(f"the list has no item {index}")


def value_of(entries: dict[Any, Any], key: str) -> object:
    """`entries.key`. Raises: Failure."""
    try:
        return entries[key]
    except KeyError:
        raise Failure(f"the map has no key {key[:60]!r}") from None


def select(operand: object, field: str) -> object:
    """`operand.field` by what it is. Raises: Failure."""
    if type(operand) is not dict:
        raise no_overload(f".{field}", operand)
    return value_of(operand, field)


def has(operand: object, field: str) -> bool:
    """`has(operand.field)` by what it is. Raises: Failure."""
    if type(operand) is not dict:
        raise no_overload(f"has(.{field})", operand)
    return field in operand


def index(operand: object, key: Any) -> object:
    """`operand[key]` by what they are. Raises: Failure."""
    if type(operand) is list and type(key) in _NUMBERS and key == key // 1:
        return item_at(operand, int(key))
    if type(operand) is dict:
        found = _key(key)
        if found is not None and found in operand:
            return operand[found]
        raise Failure(f"the map has no key {str(key)[:60]!r}")
    raise no_overload("[]", operand, key)


def size(value: Any) -> int:
    """`size(value)` by what it is. Raises: Failure."""
    if type(value) in (str, bytes, list, dict):
        return len(value)
    raise no_overload("size", value)


def items_of(value: object) -> Iterable[object]:
    """What a macro goes through. Raises: Failure."""
    if type(value) is list:
        return value
    if type(value) is dict:
        return [key.value if type(key) is BoolKey else key for key in value]
    raise no_overload("a macro", value)


def make_map(keys: list[object], values: list[object]) -> dict[object, object]:
    """`{key: value}`. Raises: Failure when a key stands twice or cannot be one."""
    made: dict[object, object] = {}
    for key, value in zip(keys, values, strict=True):
        found = _key(key)
        if found is None or type(key) is float:
            raise no_overload("the key of a map", key)
        if found in made:
            raise Failure(f"the key {str(key)[:60]!r} stands twice")
        made[found] = value
    return made


def _key(value: Any) -> object:
    """Return what stands for a value as a key, None if nothing can."""
    kind = type(value)
    return value if kind in _KEYS else BoolKey(value) if kind is bool else None


def _alike(one: Any, two: Any) -> bool:
    """Compare numbers of different types; with a double, as doubles."""
    return float(one) == float(two) if float in (type(one), type(two)) else bool(one == two)


def _in_order(sign: str, one: Any, two: Any) -> tuple[Any, Any]:
    kind, other = type(one), type(two)
    if kind is other:
        if kind in _ORDERED or kind in _NUMBERS:
            return one, two
    elif kind in _NUMBERS and other in _NUMBERS:
        return (float(one), float(two)) if float in (kind, other) else (one, two)
    raise no_overload(sign, one, two)
