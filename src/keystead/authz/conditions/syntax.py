"""A CEL expression as a tree. `type` is filled by the checker, `at` and `end` are offsets in the text."""

from __future__ import annotations

import msgspec

from keystead.authz.conditions.types import DYN, Type


class Node(msgspec.Struct):
    """Where in the text, and what type it gives."""

    at: int
    end: int
    type: Type = DYN


class Literal(Node, kw_only=True):
    """`1`, `'a'`, `null`."""

    value: object


class Name(Node, kw_only=True):
    """A parameter, the variable of a macro, or the name of a type. `slot` is the variable in the code made."""

    name: str
    slot: str = ""


class Select(Node, kw_only=True):
    """`operand.field`, or `has(operand.field)`."""

    operand: Expression
    field: str
    test: bool = False


class Call(Node, kw_only=True):
    """An operator or a function; a method's receiver is the first argument."""

    function: str
    arguments: list[Expression]
    method: bool = False
    name_at: int = 0


class ListOf(Node, kw_only=True):
    """`[a, b]`."""

    items: list[Expression]


class MapOf(Node, kw_only=True):
    """`{a: b}`."""

    keys: list[Expression]
    values: list[Expression]


class Logic(Node, kw_only=True):
    """`a && b && c`, or `||` when `any` is set."""

    any: bool
    operands: list[Expression]


class Choice(Node, kw_only=True):
    """`condition ? yes : no`."""

    condition: Expression
    yes: Expression
    no: Expression


class Loop(Node, kw_only=True):
    """A macro over a list or the keys of a map: `all`, `exists`, `exists_one`, `map`, `filter`.

    `guard` is the predicate (None for the `map` of two arguments), `result` what `map` gives for each.
    """

    macro: str
    variable: str
    over: Expression
    guard: Expression | None = None
    result: Expression | None = None
    slot: str = ""


Expression = Literal | Name | Select | Call | ListOf | MapOf | Logic | Choice | Loop


def parts(node: Expression) -> list[Expression]:
    """Return what an expression is made of, from left to right."""
    match node:
        case Select(operand=operand):
            return [operand]
        case Call(arguments=arguments):
            return arguments
        case ListOf(items=items):
            return items
        case MapOf(keys=keys, values=values):
            return [*keys, *values]
        case Logic(operands=operands):
            return operands
        case Choice(condition=condition, yes=yes, no=no):
            return [condition, yes, no]
        case Loop(over=over, guard=guard, result=result):
            return [over, *([guard] if guard else []), *([result] if result else [])]
        case _:
            return []


def weight(node: Expression) -> int:
    """Count the parts of an expression."""
    counted, stack = 0, [node]
    while stack:
        counted += 1
        stack += parts(stack.pop())
    return counted
