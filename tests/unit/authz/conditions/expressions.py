"""Compute any CEL expression with the condition compiler, not only those that give bool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keystead.authz.conditions.checker import check
from keystead.authz.conditions.emitter import Emitter
from keystead.authz.conditions.parser import parse
from keystead.authz.conditions.types import Type
from keystead.authz.conditions.values import Budget


def compute(text: str, types: Mapping[str, Type] | None = None, values: Mapping[str, object] | None = None) -> Any:
    """Compile and run. Raises: Unreadable, Failure, TooCostly."""
    types = types or {}
    expression = parse(text)
    slots = {name: f"v{number}" for number, name in enumerate(types)}
    check(expression, {name: (slot, types[name]) for name, slot in slots.items()}, demand_bool=False)
    emitter = Emitter(list(slots.values()))
    body = emitter.body(expression)
    head = f"def run({', '.join([*slots.values(), 'budget'])}):"
    names: dict[str, Any] = dict(emitter.names)
    exec("\n".join([*emitter.functions, head, *(f" {line}" for line in body)]), names)  # as the compiler does
    return names["run"](*((values or {})[name] for name in types), Budget())
