"""A checked expression becomes Python source that knows the types it works on.

Nothing of the author's text reaches the source: parameters are `v0`, `v1`..., strings and numbers are constants handed
over beside it. Errors are exceptions; `&&` and `||` go on without the operand that failed, so where more than one
operand may fail they become a series of `try`, written as statements before the expression that uses them.

`Code.total` says that the code cannot fail. Deep parts become functions of their own, because Python bounds how deep
blocks and parentheses may nest.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from keystead.authz.conditions import arithmetic, containers, conversions
from keystead.authz.conditions.calls import emit_call
from keystead.authz.conditions.patterns import matches
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
    weight,
)
from keystead.authz.conditions.types import BOOL, STRING
from keystead.authz.conditions.values import Failure, TooCostly, TypeName

_LEVELS: Final = 12
_BLOCKS: Final = 6


class Code(NamedTuple):
    """A Python expression, and whether evaluating it can fail."""

    text: str
    total: bool


class Emitter:
    """Makes the source of one condition. `names` are the constants and functions it needs."""

    def __init__(self, variables: list[str]) -> None:
        self.names: dict[str, object] = {"Failure": Failure, "TooCostly": TooCostly, "matches": matches}
        for module in (arithmetic, containers, conversions):
            self.names |= {name: each for name, each in vars(module).items() if callable(each) and name[0] != "_"}
        self.functions: list[str] = []
        self.costly = False
        self.loops = 0
        self.free = 16
        self._scope = list(variables)
        self._lines: list[str] = []
        self._count = 0
        self._level = 0
        self._blocks = 0

    def body(self, expression: Expression) -> list[str]:
        """Return the statements that compute an expression, the last a `return`."""
        code = self.emit(expression)
        return [*self._lines, f"return {code.text}"]

    def constant(self, value: object) -> str:
        """Name a constant."""
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def budget(self) -> str:
        """Name the budget, which the evaluation will now need."""
        self.costly = True
        return "budget"

    def emit(self, node: Expression) -> Code:
        """Write an expression, the statements it needs first."""
        if self._level >= _LEVELS or self._blocks >= _BLOCKS:
            return self._outline(node)
        self._level += 1
        code = self._emit(node)
        self._level -= 1
        return code

    def _emit(self, node: Expression) -> Code:
        match node:
            case Literal(value=value):
                return Code(self._literal(value), total=True)
            case Name():
                return Code(node.slot or self.constant(TypeName(node.name)), total=True)
            case Select():
                return self._select(node)
            case Call():
                return Code(*emit_call(self, node))
            case ListOf(items=items):
                codes = [self.emit(item) for item in items]
                return Code(f"[{', '.join(each.text for each in codes)}]", all(each.total for each in codes))
            case MapOf(keys=keys, values=values):
                made = [", ".join(self.emit(each).text for each in half) for half in (keys, values)]
                return Code(f"make_map([{made[0]}], [{made[1]}])", total=not keys)
            case Logic():
                return self._logic(node)
            case Choice():
                return self._choice(node)
            case Loop():
                return self._loop(node)

    def _literal(self, value: object) -> str:
        if value is None or isinstance(value, bool):
            return repr(value)
        if type(value) is int:
            return f"({value!r})" if value < 0 else repr(value)
        return self.constant(value)

    def _select(self, node: Select) -> Code:
        if isinstance(node.operand, Literal) and isinstance(node.operand.value, TypeName):
            return self.emit(node.operand)
        operand, field = self.emit(node.operand), self.constant(node.field)
        known = node.operand.type.name == "map"
        if node.test:
            return (
                Code(f"({field} in {operand.text})", operand.total)
                if known
                else Code(f"has({operand.text}, {field})", total=False)
            )
        return Code(f"{'value_of' if known else 'select'}({operand.text}, {field})", total=False)

    def _logic(self, node: Logic) -> Code:
        operands = [self._captured(operand, boolean=True) for operand in node.operands]
        operands.sort(key=lambda each: (bool(each[0]), not each[1].total))
        if not any(lines for lines, _ in operands) and sum(not code.total for _, code in operands) <= 1:
            joined = (" or " if node.any else " and ").join(code.text for _, code in operands)
            return Code(f"({joined})", operands[-1][1].total)
        result, error = self._variable("r"), self._variable("e")
        self._lines += [f"{result} = {not node.any}", f"{error} = None"]
        for lines, code in operands:
            self._lines.append(f"if {'not ' if node.any else ''}{result}:")
            taken = [*lines, f"{result} = {code.text}"]
            if code.total:
                self._lines += _indented(taken)
            else:
                self._lines += _indented(["try:", *_indented(taken)])
                caught = ["except Failure as failure:", f"    {error} = failure", f"    {result} = {not node.any}"]
                self._lines += _indented(caught)
        undecided = f"if {error} is not None and {'not ' if node.any else ''}{result}:"
        self._lines += [undecided, f"    raise {error}"]
        return Code(result, total=all(code.total for _, code in operands))

    def _choice(self, node: Choice) -> Code:
        condition = self._boolean(node.condition)
        (yes_lines, yes), (no_lines, no) = self._captured(node.yes), self._captured(node.no)
        total = condition.total and yes.total and no.total
        if not yes_lines and not no_lines:
            return Code(f"({yes.text} if {condition.text} else {no.text})", total)
        result = self._variable("r")
        self._lines += [f"if {condition.text}:", *_indented([*yes_lines, f"{result} = {yes.text}"])]
        self._lines += ["else:", *_indented([*no_lines, f"{result} = {no.text}"])]
        return Code(result, total)

    def _loop(self, node: Loop) -> Code:
        over = self.emit(node.over)
        plain = node.over.type.name == "list" or (node.over.type.name == "map" and node.over.type.of[0] == STRING)
        items = over.text if plain else f"items_of({over.text})"
        self._scope.append(node.slot)
        self.loops += 1
        guard = self._captured(node.guard, boolean=True) if node.guard is not None else ([], Code("True", total=True))
        result = self._captured(node.result) if node.result is not None else ([], Code(node.slot, total=True))
        self.loops -= 1
        self._scope.pop()
        found = self._variable("r")
        turn = 1 + (weight(node) - weight(node.over)) // 16
        pay = [f"{self.budget()}.left -= {turn}", "if budget.left < 0:", "    raise TooCostly"]
        if node.macro in ("all", "exists"):
            self._quantifier(node, found, items, pay, guard)
        else:
            start = "0" if node.macro == "exists_one" else "[]"
            keep = [f"{found} += 1"] if start == "0" else [*result[0], f"{found}.append({result[1].text})"]
            inside = [*pay, *guard[0], f"if {guard[1].text}:", *_indented(keep)]
            self._lines += [f"{found} = {start}", f"for {node.slot} in {items}:", *_indented(inside)]
            found = f"({found} == 1)" if start == "0" else found
        return Code(found, (over.total and plain) and guard[1].total and result[1].total)

    def _quantifier(self, node: Loop, found: str, items: str, pay: list[str], guard: tuple[list[str], Code]) -> None:
        every, error = node.macro == "all", self._variable("e")
        test = [*guard[0], f"{found} = {guard[1].text}"]
        if not guard[1].total:
            caught = ["except Failure as failure:", f"    {error} = failure", f"    {found} = {every}"]
            test = ["try:", *_indented(test), *caught]
        stop = [f"if {'not ' if every else ''}{found}:", "    break"]
        self._lines += [f"{found} = {every}", f"{error} = None", f"for {node.slot} in {items}:"]
        self._lines += _indented([*pay, *test, *stop])
        self._lines += [f"if {error} is not None and {'' if every else 'not '}{found}:", f"    raise {error}"]

    def _captured(self, node: Expression, *, boolean: bool = False) -> tuple[list[str], Code]:
        before, self._lines = self._lines, []
        self._blocks += 1
        code = self._boolean(node) if boolean else self.emit(node)
        self._blocks -= 1
        lines, self._lines = self._lines, before
        return lines, code

    def _boolean(self, node: Expression) -> Code:
        code = self.emit(node)
        return code if node.type == BOOL else Code(f"as_bool({code.text})", total=False)

    def _outline(self, node: Expression) -> Code:
        before = (self._lines, self._level, self._blocks)
        self._lines, self._level, self._blocks = [], 0, 0
        code = self.emit(node)
        name, takes = self._variable("f"), ", ".join([*self._scope, self.budget()])
        self.functions.append("\n".join([f"def {name}({takes}):", *_indented([*self._lines, f"return {code.text}"])]))
        self._lines, self._level, self._blocks = before
        return Code(f"{name}({takes})", code.total)

    def _variable(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"


def _indented(lines: list[str]) -> list[str]:
    return [f" {line}" for line in lines]
