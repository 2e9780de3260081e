"""The static type check: what every part of an expression gives, or why it can never give anything.

Spec: CEL language definition, "Gradual Type Checking".
Flow: walks the tree once, fills `type` of every node, picks among overloads by unification. What is only known at run
time (parameters of type `any`, mixed lists) is `dyn` and passes everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from keystead.authz.conditions.functions import FUNCTIONS, TYPE_NAMES
from keystead.authz.conditions.problems import Unreadable
from keystead.authz.conditions.syntax import (
    Call,
    Choice,
    Expression,
    ListOf,
    Literal,
    Logic,
    Loop,
    MapOf,
    Name,
    Select,
    parts,
)
from keystead.authz.conditions.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    INT,
    NULL,
    STRING,
    UINT,
    Type,
    Unifier,
    list_of,
    map_of,
    type_of,
)
from keystead.authz.conditions.values import TypeName, Unsigned

_LITERALS: Final[dict[type, Type]] = {
    bool: BOOL, int: INT, Unsigned: UINT, float: DOUBLE, str: STRING, bytes: BYTES, type(None): NULL,
}  # fmt: skip
_CONVERT: Final = "convert one side: int(x), double(x), string(x), timestamp('2026-01-31T12:00:00Z'), duration('90m')"


def check(expression: Expression, parameters: Mapping[str, tuple[str, Type]], *, demand_bool: bool = True) -> None:
    """Fill in the types. `parameters` are name -> (variable in the code made, type). Raises: Unreadable."""
    checker = _Checker(parameters)
    given = checker.resolve(checker.visit(expression))
    if demand_bool and given != BOOL:
        remedy = "compare it: `value == true`" if given == DYN else "compare it with something"
        raise Unreadable(f"a condition gives bool, this gives {given}", expression.at, expression.end, remedy)
    stack = [expression]
    while stack:
        node = stack.pop()
        node.type = checker.resolve(node.type)
        stack += parts(node)


class _Checker:
    def __init__(self, parameters: Mapping[str, tuple[str, Type]]) -> None:
        self._scope = dict(parameters)
        self._types = Unifier()
        self._loops = 0

    def resolve(self, type: Type) -> Type:
        """Replace what unification found."""
        return self._types.resolve(type)

    def visit(self, node: Expression) -> Type:
        """Find the type of a node and keep it there."""
        match node:
            case Literal(value=value):
                node.type = _LITERALS[type(value)]
            case Name():
                node.type = self._name(node)
            case Select():
                node.type = self._select(node)
            case Call():
                node.type = self._call(node)
            case ListOf(items=items):
                node.type = list_of(self._joined(items))
            case MapOf(keys=keys, values=values):
                node.type = self._map(keys, values)
            case Logic(operands=operands):
                for operand in operands:
                    self._demand(operand, "`||` joins" if node.any else "`&&` joins")
                node.type = BOOL
            case Choice():
                node.type = self._choice(node)
            case Loop():
                node.type = self._loop(node)
        return node.type

    def _name(self, node: Name) -> Type:
        found = self._scope.get(node.name)
        if found is not None:
            node.slot, type = found
            return type
        if node.name in TYPE_NAMES:
            return type_of(TYPE_NAMES[node.name])
        known = ", ".join(sorted(self._scope)) or "none"
        raise _wrong(node, f"there is no parameter `{node.name}`", f"declare it; declared: {known}")

    def _select(self, node: Select) -> Type:
        dotted = _dotted(node)
        if dotted in TYPE_NAMES and dotted.partition(".")[0] not in self._scope and not node.test:
            node.operand = Literal(node.at, node.end, value=TypeName(dotted))
            return type_of(TYPE_NAMES[dotted])
        operand = self.resolve(self.visit(node.operand))
        if operand.name == "map":
            if operand.of[0] not in (STRING, DYN):
                raise _wrong(node, f"the keys of this map are {operand.of[0]}", "index it: `map[key]`")
            return BOOL if node.test else operand.of[1]
        if operand != DYN:
            raise _wrong(node, f"`.{node.field}` needs a map, this is {operand}", "declare the parameter as map<...>")
        return BOOL if node.test else DYN

    def _call(self, node: Call) -> Type:
        given = tuple(self.visit(argument) for argument in node.arguments)
        overloads = FUNCTIONS.get(node.function)
        if overloads is None:
            raise _wrong(
                node, f"there is no function `{node.function}`", "see the guide on conditions for those there are"
            )
        results: list[Type] = []
        first: dict[str, Type] | None = None
        for overload in overloads:
            if overload.method == node.method and len(overload.takes) == len(given):
                *takes, gives = self._types.instance((*overload.takes, overload.gives))
                known = self._types.attempt(given, tuple(takes))
                if known is not None:
                    first = first or known
                    results.append(gives)
        if first is None:
            raise self._no_overload(node, given)
        self._types.adopt(first)
        return results[0] if len({self.resolve(each) for each in results}) == 1 else DYN

    def _no_overload(self, node: Call, given: tuple[Type, ...]) -> Unreadable:
        shown = ", ".join(str(self.resolve(each)) for each in given) or "nothing"
        ways = [each for each in FUNCTIONS[node.function] if each.method == node.method]
        name = node.function.strip("_")
        if not ways:
            spelt = f"x.{name}(...)" if not node.method else f"{name}(x)"
            return _wrong(node, f"`{name}` is not called this way", f"write `{spelt}`")
        return _wrong(node, f"`{name}` does not take {shown}", _CONVERT)

    def _map(self, keys: list[Expression], values: list[Expression]) -> Type:
        key = self._joined(keys)
        for each in keys:
            if self.resolve(each.type) not in (STRING, INT, UINT, BOOL, DYN):
                raise _wrong(each, f"{self.resolve(each.type)} cannot be the key of a map", "use a string")
        return map_of(key, self._joined(values))

    def _joined(self, items: list[Expression]) -> Type:
        if not items:
            return self._types.fresh()
        joined = self.visit(items[0])
        for item in items[1:]:
            joined = self._types.join(joined, self.visit(item))
        return joined

    def _choice(self, node: Choice) -> Type:
        self._demand(node.condition, "`?` chooses by")
        yes, no = self.visit(node.yes), self.visit(node.no)
        if not self._types.fits((yes,), (no,)):
            shown = f"{self.resolve(yes)} and {self.resolve(no)}"
            raise _wrong(
                node, f"the two sides of `?` give {shown}", "let both give the same type, or wrap one in dyn()"
            )
        return self._types.join(yes, no)

    def _loop(self, node: Loop) -> Type:
        over = self.resolve(self.visit(node.over))
        if over.name not in ("list", "map", "dyn"):
            raise _wrong(
                node.over, f"`{node.macro}` goes through a list or a map, this is {over}", "declare a list<...>"
            )
        self._loops += 1
        node.slot = f"x{self._loops}"
        outside = self._scope.get(node.variable)
        self._scope[node.variable] = (node.slot, over.of[0] if over.of else DYN)
        if node.guard is not None:
            self._demand(node.guard, f"`{node.macro}` asks for")
        result = self.visit(node.result) if node.result is not None else DYN
        del self._scope[node.variable]
        if outside is not None:
            self._scope[node.variable] = outside
        if node.macro == "map":
            return list_of(result)
        if node.macro == "filter":
            return list_of(over.of[0] if over.of else DYN)
        return BOOL

    def _demand(self, node: Expression, who: str) -> None:
        given = self.visit(node)
        if not self._types.fits((given,), (BOOL,)):
            raise _wrong(node, f"{who} bool, this is {self.resolve(given)}", "compare it with something")


def _wrong(node: Expression, message: str, remedy: str) -> Unreadable:
    return Unreadable(message, node.at, node.end, remedy)


def _dotted(node: Expression) -> str:
    names: list[str] = []
    while isinstance(node, Select):
        names.append(node.field)
        node = node.operand
    return ".".join([node.name, *reversed(names)]) if isinstance(node, Name) else ""
