"""Levels of authentication a request wants, and what a session amounts to against them: the step-up of RFC 9470.

Flow: a request names levels in `acr_values` (as a wish) or as an essential `acr` in `claims` (as a condition); the
dispatcher asks `judge` after it knows who is signed in, and sends the person to sign in again where that can help.
Does not: look at evidence. `core.assurance` says what it amounts to, and knows the levels there are.
Spec: RFC 9470 section 4, OpenID Connect Core sections 3.1.2.1 (acr_values) and 5.5.1.1 (essential acr).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import msgspec

from keystead.core.assurance import LEVELS, acr_name, acr_values_supported
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


def judge(wanted: Wanted, level: str, names: Mapping[str, str]) -> Verdict:
    """Return how a level stands, in the realm's names. A stronger one than is wanted meets it too."""
    if not wanted.values or _reached(wanted, level, names):
        return Verdict.MET
    reachable = _reached(wanted, acr_values_supported(names)[-1], names)
    return Verdict.REACHABLE if reachable else Verdict.OUT_OF_REACH


def reported(wanted: Wanted, level: str, names: Mapping[str, str]) -> str:
    """Return the `acr` to tell: the level itself, or where the client named essential ones, the strongest it reaches.

    Spec: OpenID Connect Core section 5.5.1.1 (the value told must be one of those asked for).
    """
    reached = _reached(wanted, level, names)
    return reached[-1] if wanted.essential and reached else level


def _reached(wanted: Wanted, level: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return those wanted levels that this one amounts to, the strongest last."""
    ladder = tuple(acr_name(rung, names) for rung in LEVELS)
    below = ladder[: ladder.index(level) + 1] if level in ladder else (level,)
    return tuple(rung for rung in below if rung in wanted.values)
