"""A compiled condition: what a tuple's `with` asks, ready to be asked.

Flow: `parser` -> `checker` -> `emitter` -> one Python function that takes the context, looks every declared parameter
up, casts it and computes the expression. A condition is pure: the same context gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from keystead.authz.conditions.casts import cast_of
from keystead.authz.conditions.checker import check
from keystead.authz.conditions.emitter import Emitter
from keystead.authz.conditions.parser import parse
from keystead.authz.conditions.problems import Unreadable, model_error
from keystead.authz.conditions.types import (
    BOOL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    IPADDRESS,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
    map_of,
)
from keystead.authz.conditions.values import MAX_INT, MIN_INT, Budget, Failure, TooCostly
from keystead.authz.errors import InvalidRelationship
from keystead.authz.model import ConditionDefinition, Parameter

_TYPES: Final[dict[str, Type]] = {
    "any": DYN, "bool": BOOL, "string": STRING, "int": INT, "uint": UINT, "double": DOUBLE,
    "duration": DURATION, "timestamp": TIMESTAMP, "ipaddress": IPADDRESS,
}  # fmt: skip
_QUICK: Final = {
    "string": "type({0}) is not str",
    "bool": "type({0}) is not bool",
    "double": "type({0}) is not float or {0} - {0} != 0.0",
    "int": f"type({{0}}) is not int or not {MIN_INT} <= {{0}} <= {MAX_INT}",
}


class Unevaluable(msgspec.Struct, frozen=True):
    """A condition that has no answer. `reason`: `missing`, `wrong_type`, `failed` or `too_costly`.

    `missing` names the parameters that neither the request nor the tuple gave; `detail` is a sentence for a reader.
    """

    reason: str
    missing: tuple[str, ...] = ()
    detail: str = ""

    def __bool__(self) -> bool:
        """No answer is not a yes."""
        return False


class Condition:
    """A condition of a model. `name` and `parameters` are as declared."""

    def __init__(self, definition: ConditionDefinition, run: Callable[[Mapping[str, object]], bool]) -> None:
        self.name = definition.name
        self.parameters = {parameter.name: str(parameter) for parameter in definition.parameters}
        self._casts = {parameter.name: cast_of(parameter) for parameter in definition.parameters}
        self._run = run

    def evaluate(self, context: Mapping[str, object]) -> bool | Unevaluable:
        """Ask. `context` is the request's, overlaid by the tuple's; every declared parameter must be in it."""
        try:
            return self._run(context)
        except _Missing:
            missing = tuple(sorted(name for name in self._casts if name not in context))
            detail = f"condition `{self.name}` needs {', '.join(missing)} in the context"
            return Unevaluable("missing", missing, detail)
        except Failure as failure:
            wrong = self._wrong_type(context)
            if wrong is not None:
                return wrong
            return Unevaluable("failed", (), f"condition `{self.name}`: {failure}")
        except (TooCostly, RecursionError):
            return Unevaluable("too_costly", (), f"condition `{self.name}` takes too long with this context")

    def check_stored(self, context: Mapping[str, object]) -> None:
        """Look at the context that a tuple is to keep. Raises: InvalidRelationship saying what is wrong with it."""
        unknown = sorted(set(context) - set(self._casts))
        if unknown:
            known = ", ".join(f"{name}: {kind}" for name, kind in self.parameters.items())
            raise InvalidRelationship(
                f"condition `{self.name}` has no parameter `{str(unknown[0])[:60]}`: it has {known or 'none'}"
            )
        wrong = self._wrong_type(context)
        if wrong is not None:
            raise InvalidRelationship(wrong.detail)

    def prepare(self, context: Mapping[str, object]) -> dict[str, object]:
        """Cast what can be cast ahead of time, so that asking again is cheaper. The rest stays as it is."""
        prepared: dict[str, object] = {}
        for name, value in context.items():
            try:
                prepared[name] = self._casts[name](value) if name in self._casts else value
            except Failure:
                prepared[name] = value
        return prepared

    def _wrong_type(self, context: Mapping[str, object]) -> Unevaluable | None:
        for name, cast in self._casts.items():
            if name in context:
                try:
                    cast(context[name])
                except Failure as failure:
                    detail = f"condition `{self.name}`, parameter `{name}` ({self.parameters[name]}): {failure}"
                    return Unevaluable("wrong_type", (), detail)
        return None


class _Missing(Exception):
    pass


def compile_condition(definition: ConditionDefinition) -> Condition:
    """Compile a condition. Raises: ModelError saying where its expression is wrong and what to write instead."""
    try:
        return Condition(definition, _function(definition))
    except Unreadable as problem:
        raise model_error(definition, problem) from None
    except (RecursionError, MemoryError):
        too_deep = Unreadable("the expression is nested too deep", 0, 1, "split the condition into several")
        raise model_error(definition, too_deep) from None


def type_of_parameter(parameter: Parameter) -> Type:
    """Return the static type of a declared parameter."""
    if parameter.type == "list":
        return list_of(_TYPES[parameter.generic])
    if parameter.type == "map":
        return map_of(STRING, _TYPES[parameter.generic])
    return _TYPES[parameter.type]


def _function(definition: ConditionDefinition) -> Callable[[Mapping[str, object]], bool]:
    expression = parse(definition.expression)
    slots = {parameter.name: f"v{number}" for number, parameter in enumerate(definition.parameters)}
    types = {parameter.name: type_of_parameter(parameter) for parameter in definition.parameters}
    check(expression, {name: (slot, types[name]) for name, slot in slots.items()})
    emitter = Emitter(list(slots.values()))
    body = emitter.body(expression)
    start = _start(emitter, definition, slots)
    budget = ["budget = Budget()"] if emitter.costly else []
    names = {**emitter.names, "Budget": Budget, "Missing": _Missing}
    source = "\n".join([*emitter.functions, "def run(context):", *(f" {line}" for line in [*start, *budget, *body])])
    exec(compile(source, f"<condition {definition.name}>", "exec"), names)  # noqa: S102  # our own text, see emitter
    run: Callable[[Mapping[str, object]], bool] = names["run"]  # type: ignore[assignment]  # made by the line above
    return run


def _start(emitter: Emitter, definition: ConditionDefinition, slots: Mapping[str, str]) -> list[str]:
    """Write the statements that look up and cast the parameters."""
    if not slots:
        return []
    lines = ["try:"]
    for name, slot in slots.items():
        lines.append(f" {slot} = context[{emitter.constant(name)}]")
    lines += ["except KeyError:", " raise Missing from None"]
    for parameter in definition.parameters:
        slot, cast = slots[parameter.name], emitter.constant(cast_of(parameter))
        quick = _QUICK.get(parameter.type)
        change = f"{slot} = {cast}({slot})"
        lines.append(f"if {quick.format(slot)}: {change}" if quick else change)
    return lines
