"""Recursive descent over a CEL expression.

Spec: CEL language definition, "Syntax".
Does not: accept messages (`Type{field: value}`), which conditions have no use for. Nesting and size are bounded, so
that neither this parser nor what comes after it can be driven deep.
"""

from __future__ import annotations

from typing import Final

from keystead.authz.conditions import literals
from keystead.authz.conditions.macros import MACROS, expand_macro
from keystead.authz.conditions.problems import Unreadable
from keystead.authz.conditions.syntax import (
    Call,
    Choice,
    Expression,
    ListOf,
    Literal,
    Logic,
    MapOf,
    Name,
    Select,
    parts,
)
from keystead.authz.conditions.tokens import Token, cut

MAX_LENGTH: Final = 32_768
MAX_NESTING: Final = 40
MAX_CHAIN: Final = 80
MAX_DEPTH: Final = 100
MAX_NODES: Final = 5_000
RESERVED: Final = frozenset(
    {
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let"),
        *("loop", "namespace", "null", "package", "return", "true", "var", "void", "while"),
    }
)
_SHORTER: Final = "split the condition into several, or pass the result as a parameter"
_BINARY: Final = {
    "==": 1, "!=": 1, "<": 1, "<=": 1, ">": 1, ">=": 1, "in": 1, "+": 2, "-": 2, "*": 3, "/": 3, "%": 3,
}  # fmt: skip


def parse(text: str) -> Expression:
    """Read a whole expression. Raises: Unreadable."""
    if len(text) > MAX_LENGTH:
        raise Unreadable(f"the expression is longer than {MAX_LENGTH:,} characters", 0, 1, _SHORTER)
    parser = _Parser(cut(text))
    expression = parser.expression()
    if parser.token.kind != "end":
        raise parser.wrong("an operator")
    _require_shallow(expression)
    return expression


def _require_shallow(expression: Expression) -> None:
    level = [expression]
    for _ in range(MAX_DEPTH):
        level = [part for node in level for part in parts(node)]
        if not level:
            return
    node = level[0]
    raise Unreadable(f"the expression is nested more than {MAX_DEPTH} deep", node.at, node.end, _SHORTER)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._nesting = 0
        self._nodes = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._next]

    def expression(self) -> Expression:
        self._deeper()
        condition = self._logic(any=True)
        if self._at("?"):
            self._advance()
            yes = self._logic(any=True)
            self._mark(":", "a choice is written `condition ? yes : no`")
            no = self.expression()
            condition = Choice(condition.at, no.end, condition=condition, yes=yes, no=no)
        self._nesting -= 1
        return condition

    def wrong(self, expected: str, remedy: str = "") -> Unreadable:
        """Say what should have stood here."""
        token = self.token
        if token.text in RESERVED:
            remedy = f"`{token.text}` is a reserved word"
        return Unreadable(
            f"expected {expected}, found {token}", token.at, token.end, remedy or "see the guide on conditions"
        )

    def _logic(self, *, any: bool) -> Expression:
        operands = [self._logic(any=False) if any else self._binary(1)]
        while self._at("||" if any else "&&"):
            self._advance()
            operands.append(self._logic(any=False) if any else self._binary(1))
        if len(operands) == 1:
            return operands[0]
        return Logic(operands[0].at, operands[-1].end, any=any, operands=operands)

    def _binary(self, strength: int) -> Expression:
        left = self._unary() if strength == 3 else self._binary(strength + 1)
        links = 0
        while self.token.kind in ("mark", "name") and _BINARY.get(self.token.text) == strength:
            links = self._link(links)
            operator = self._advance()
            right = self._unary() if strength == 3 else self._binary(strength + 1)
            left = Call(left.at, right.end, function=operator.text, arguments=[left, right], name_at=operator.at)
        return left

    def _unary(self) -> Expression:
        first = self.token
        count = 0
        while first.text in ("!", "-") and first.kind == "mark" and self._at(first.text):
            self._advance()
            count += 1
        if not count:
            return self._member()
        if first.text == "-" and self.token.kind in ("int", "float"):
            return self._negative(first, count)
        operand = self._member()
        if count % 2 == 0:
            return operand
        function = "!_" if first.text == "!" else "-_"
        return Call(first.at, operand.end, function=function, arguments=[operand], name_at=first.at)

    def _negative(self, first: Token, count: int) -> Expression:
        number = self._advance()
        value = literals.integer(number, negative=True) if number.kind == "int" else -float(number.text)
        operand = self._suffixes(self._made(Literal(self._tokens[self._next - 2].at, number.end, value=value)))
        if count % 2:
            return operand
        return Call(first.at, operand.end, function="-_", arguments=[operand], name_at=first.at)

    def _member(self) -> Expression:
        return self._suffixes(self._primary())

    def _suffixes(self, operand: Expression) -> Expression:
        links = 0
        while self._at(".") or self._at("["):
            links = self._link(links)
            if self._advance().text == "[":
                index = self.expression()
                end = self._mark("]", "close the index with `]`").end
                operand = Call(operand.at, end, function="[]", arguments=[operand, index], name_at=index.at)
            else:
                operand = self._field(operand)
        return operand

    def _field(self, operand: Expression) -> Expression:
        name = self.token
        if name.kind == "quoted":
            self._advance()
            return self._made(Select(operand.at, name.end, operand=operand, field=name.text[1:-1]))
        if name.kind != "name" or name.text in ("in", "true", "false", "null"):
            raise self.wrong("the name of a field or function", "write `map.field`, or `map['any key']`")
        self._advance()
        if not self._at("("):
            return self._made(Select(operand.at, name.end, operand=operand, field=name.text))
        arguments, end = self._arguments()
        if (name.text, len(arguments)) in MACROS:
            return self._made(expand_macro(operand, name, arguments, end))
        inside = [operand, *arguments]
        return self._made(Call(operand.at, end, function=name.text, arguments=inside, method=True, name_at=name.at))

    def _arguments(self) -> tuple[list[Expression], int]:
        self._mark("(", "")
        arguments: list[Expression] = []
        while not self._at(")"):
            arguments.append(self.expression())
            if not self._at(","):
                break
            self._advance()
            if self._at(")"):
                raise self.wrong("an argument", "leave out the last comma")
        return arguments, self._mark(")", "separate arguments by commas").end

    def _primary(self) -> Expression:
        token = self.token
        if self._at("."):
            self._advance()
            if self.token.kind != "name":
                raise self.wrong("a name")
            token = self.token
        if token.kind == "name":
            return self._named(token)
        if token.kind in ("int", "uint", "float", "string"):
            return self._made(Literal(token.at, token.end, value=_value(self._advance())))
        if self._at("("):
            self._advance()
            inner = self.expression()
            self._mark(")", "close the parenthesis")
            return inner
        if self._at("["):
            return self._list()
        if self._at("{"):
            return self._map()
        raise self.wrong("a value", "write a parameter, a literal or a call")

    def _named(self, token: Token) -> Expression:
        if token.text in ("true", "false", "null"):
            self._advance()
            value = None if token.text == "null" else token.text == "true"
            return self._made(Literal(token.at, token.end, value=value))
        if token.text in RESERVED:
            raise self.wrong("a value")
        self._advance()
        if not self._at("("):
            return self._made(Name(token.at, token.end, name=token.text))
        arguments, end = self._arguments()
        if token.text == "has" and len(arguments) == 1:
            return _has(token, arguments[0], end)
        return self._made(Call(token.at, end, function=token.text, arguments=arguments, name_at=token.at))

    def _list(self) -> Expression:
        opening = self._advance()
        items: list[Expression] = []
        while not self._at("]"):
            items.append(self.expression())
            if not self._at(","):
                break
            self._advance()
        end = self._mark("]", "separate the items of a list by commas").end
        return self._made(ListOf(opening.at, end, items=items))

    def _map(self) -> Expression:
        opening = self._advance()
        keys: list[Expression] = []
        values: list[Expression] = []
        while not self._at("}"):
            keys.append(self.expression())
            self._mark(":", "an entry of a map is written `key: value`")
            values.append(self.expression())
            if not self._at(","):
                break
            self._advance()
        end = self._mark("}", "separate the entries of a map by commas").end
        return self._made(MapOf(opening.at, end, keys=keys, values=values))

    def _made(self, node: Expression) -> Expression:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Unreadable(f"the expression has more than {MAX_NODES:,} parts", node.at, node.end, _SHORTER)
        return node

    def _deeper(self) -> None:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise self.wrong("less nesting", f"nest at most {MAX_NESTING} deep: {_SHORTER}")

    def _link(self, links: int) -> int:
        if links >= MAX_CHAIN:
            raise self.wrong("a shorter chain", f"link at most {MAX_CHAIN} operators of one kind: {_SHORTER}")
        return links + 1

    def _at(self, text: str) -> bool:
        return self.token.kind == "mark" and self.token.text == text

    def _advance(self) -> Token:
        token = self.token
        self._next += token.kind != "end"
        return token

    def _mark(self, text: str, remedy: str) -> Token:
        if not self._at(text):
            raise self.wrong(f"`{text}`", remedy)
        return self._advance()


def _value(token: Token) -> object:
    match token.kind:
        case "int":
            return literals.integer(token, negative=False)
        case "uint":
            return literals.unsigned(token)
        case "float":
            return float(token.text)
        case _:
            return literals.string(token)


def _has(token: Token, argument: Expression, end: int) -> Expression:
    if not isinstance(argument, Select) or argument.test:
        raise Unreadable(
            "has() asks for a field", argument.at, argument.end, "write `has(map.field)`; for other keys `'key' in map`"
        )
    return Select(token.at, end, operand=argument.operand, field=argument.field, test=True)
