"""How large a model may be. A server that reads strangers' models sets `SERVED`; a service trusts its own more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from keystead.authz.errors import NOWHERE, ModelError, Problem, Span
from keystead.authz.model import AuthorizationModel


class Bounds(msgspec.Struct, frozen=True):
    """At most so many `types`, `conditions`, and `characters` of text (or bytes of JSON)."""

    types: int
    conditions: int
    characters: int


GENEROUS: Final = Bounds(types=100_000, conditions=10_000, characters=262_144)
SERVED: Final = Bounds(types=100, conditions=25, characters=262_144)
_SPLIT: Final = "split it into several stores"


def require_length(text: str | bytes, bounds: Bounds, file: str = "") -> None:
    """Look at the text before anything else does. Raises: ModelError."""
    if len(text) > bounds.characters:
        message = f"the model is longer than {bounds.characters:,} characters."
        raise ModelError([Problem(message, Span(1, 1, 1, file), "too-long", _SPLIT)])


def find_excess(model: AuthorizationModel, bounds: Bounds) -> list[Problem]:
    """Count the types and conditions."""
    counted: tuple[tuple[str, Sequence[object], int], ...] = (
        ("type definitions", model.types, bounds.types),
        ("conditions", model.conditions, bounds.conditions),
    )
    return [
        Problem(f"the model has {len(each):,} {what}, at most {most:,} are allowed.", NOWHERE, "too-many", _SPLIT)
        for what, each, most in counted
        if len(each) > most
    ]
