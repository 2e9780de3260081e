"""Levels of authentication a request wants, and what a session amounts to against them: the step-up of RFC 9470.

Flow: a request names levels in `acr_values` (as a wish) or as an essential `acr` in `claims` (as a condition); the
dispatcher asks `judge` after it knows who is signed in, and sends the person to sign in again where that can help.
Does not: look at evidence. `core.assurance` says what it amounts to, and knows the levels there are.
Spec: RFC 9470 section 4, OpenID Connect Core sections 3.1.2.1 (acr_values) and 5.5.1.1 (essential acr).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import msgspec

from keystead.core.assurance import ACR_VALUES
from keystead.core.records.interaction import Interaction


class Wanted(msgspec.Struct, frozen=True):
    """The levels a request wants, any of which will do. `essential`: without one of them there is no answer."""

    values: tuple[str, ...] = ()
    essential: bool = False


class Verdict(Enum):
    """How a level stands against what is wanted."""

    MET = "met"
    REACHABLE = "a stronger sign-in can meet it"
    OUT_OF_REACH = "nothing here can meet it"


def wanted_levels(asked: Interaction) -> Wanted:
    """Return what the request wants: an `acr` asked for in `claims` counts before `acr_values`."""
    wish: Any = asked.claims.get("id_token", {}).get("acr")
    if isinstance(wish, dict):
        named = wish.get("values", [wish["value"]] if "value" in wish else [])
        values = tuple(value for value in named if isinstance(value, str))
        if values:
            return Wanted(values, bool(wish.get("essential")))
    return Wanted(asked.acr_values)


def judge(wanted: Wanted, level: str) -> Verdict:
    """Return how a level stands. A stronger one than is wanted meets it too."""
    if not wanted.values or _reached(wanted, level):
        return Verdict.MET
    return Verdict.REACHABLE if set(wanted.values).intersection(ACR_VALUES) else Verdict.OUT_OF_REACH


def reported(wanted: Wanted, level: str) -> str:
    """Return the `acr` to tell: the level itself, or where the client named essential ones, the strongest it reaches.

    Spec: OpenID Connect Core section 5.5.1.1 (the value told must be one of those asked for).
    """
    reached = _reached(wanted, level)
    return level if not wanted.essential or not reached else max(reached, key=ACR_VALUES.index)


def _reached(wanted: Wanted, level: str) -> Sequence[str]:
    if level not in ACR_VALUES:
        return [value for value in wanted.values if value == level]
    rank = ACR_VALUES.index(level)
    return [value for value in wanted.values if value in ACR_VALUES and ACR_VALUES.index(value) <= rank]
