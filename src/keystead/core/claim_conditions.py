"""Conditions on claims, held against what a verified token says.

Does not: verify anything, or guess. A claim that is absent, or of another type than the condition's, fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keystead.core.decisions import Check
from keystead.core.records.trusted_issuer import ClaimCondition

_OPERATORS = ("equals", "one_of", "prefix", "glob", "contains", "at_least", "at_most")
_LONGEST = 2_048
_MISSING = object()


def operators_of(condition: ClaimCondition) -> list[str]:
    """Return the operators a condition names. There must be exactly one."""
    return [name for name in _OPERATORS if getattr(condition, name) not in (None, (), "")]


def check_condition(condition: ClaimCondition, claims: Mapping[str, Any]) -> Check:
    """Hold one condition against the claims. A condition without an operator, or with several, fails."""
    name = condition.claim if isinstance(condition.claim, str) else "/".join(condition.claim)
    operators, value = operators_of(condition), _look_up(condition.claim, claims)
    if value is _MISSING:
        return Check(f"claim {name}", False, f"the claim {name} is absent")
    if len(operators) != 1:
        return Check(f"claim {name}", False, "the condition says nothing, or too much")
    (operator,) = operators
    holds = _holds(operator, getattr(condition, operator), value)
    return Check(f"claim {name}", holds, f"{name} is {'' if holds else 'not '}as demanded ({operator})")


def _look_up(path: str | tuple[str, ...], claims: Mapping[str, Any]) -> Any:
    value: Any = claims
    for name in (path,) if isinstance(path, str) else path:
        if not isinstance(value, dict) or name not in value:
            return _MISSING
        value = value[name]
    return value


def _holds(operator: str, wanted: Any, value: Any) -> bool:
    if operator == "equals":
        return _same(value, wanted)
    if operator == "one_of":
        return any(_same(value, one) for one in wanted)
    if operator == "contains":
        return isinstance(value, list) and any(_same(one, wanted) for one in value)
    if operator in ("at_least", "at_most"):
        if type(value) is not int:
            return False
        return bool(value >= wanted) if operator == "at_least" else bool(value <= wanted)
    if not isinstance(value, str) or len(value) > _LONGEST:
        return False
    return value.startswith(wanted) if operator == "prefix" else matches_glob(wanted, value)


def _same(value: Any, wanted: Any) -> bool:
    """Return whether two plain values are the same, `1` and `true` being different things."""
    return type(value) is type(wanted) and bool(value == wanted)


def matches_glob(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern whole: `*` is anything but `/` and `:`, `**` anything.

    In time proportional to both lengths, whatever the pattern.
    """
    places = {0}
    for piece in _pieces(pattern):
        if piece == "**":
            places = set(range(min(places), len(text) + 1)) if places else set()
        elif piece == "*":
            places = _run(places, text)
        else:
            places = {place + len(piece) for place in places if text.startswith(piece, place)}
    return len(text) in places


def _run(places: set[int], text: str) -> set[int]:
    reached: set[int] = set()
    for place in sorted(places):
        while place not in reached:
            reached.add(place)
            if place >= len(text) or text[place] in "/:":
                break
            place += 1
    return reached


def _pieces(pattern: str) -> list[str]:
    pieces: list[str] = []
    index = 0
    while index < len(pattern):
        if pattern.startswith("**", index):
            pieces.append("**")
            index += 2
        elif pattern[index] == "*":
            pieces.append("*")
            index += 1
        else:
            end = pattern.find("*", index)
            end = len(pattern) if end < 0 else end
            pieces.append(pattern[index:end])
            index = end
    return pieces
