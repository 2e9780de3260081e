"""The right-hand side of a `define`: restrictions, names, `from`, `or`, `and`, `but not`, parentheses.

Operators do not mix without parentheses, and `[...]` may only come first: `[user] or editor`, never
`editor or [user]`.
"""

from __future__ import annotations

from typing import Final

from keystead.authz.errors import Span
from keystead.authz.language.cursor import Cursor
from keystead.authz.language.tokens import WORD
from keystead.authz.model import Computed, Direct, Exclusion, FromParent, Intersection, Restriction, Rewrite, Union

_MIX: Final = "put parentheses around a part before combining it with another operator"
_FIRST: Final = "write the type restrictions first: `[user] or editor`"
_MAX_NESTING: Final = 100


def parse_rewrite(cursor: Cursor, *, first: bool = True, nesting: int = 0) -> Rewrite:
    """Read an expression. `first`: nothing of this definition stands to its left, so restrictions may come."""
    if nesting > _MAX_NESTING:
        cursor.fail("fewer parentheses", f"nest at most {_MAX_NESTING} deep; name a part with its own `define`")
    operands = [_parse_operand(cursor, first=first, nesting=nesting)]
    operator = cursor.token.text if cursor.token.kind == WORD else ""
    if operator == "but":
        cursor.advance()
        cursor.word("not", "write `but not`")
        return Exclusion(operands[0], _parse_operand(cursor, first=False, nesting=nesting))
    while operator in ("or", "and") and cursor.at(operator):
        cursor.advance()
        operands.append(_parse_operand(cursor, first=False, nesting=nesting))
    if len(operands) == 1:
        return operands[0]
    return Union(tuple(operands)) if operator == "or" else Intersection(tuple(operands))


def _parse_operand(cursor: Cursor, *, first: bool, nesting: int) -> Rewrite:
    if cursor.at("("):
        cursor.advance()
        inner = parse_rewrite(cursor, first=first, nesting=nesting + 1)
        cursor.mark(")", _MIX)
        return inner
    if cursor.at("["):
        if not first:
            cursor.fail("a relation", _FIRST)
        return _parse_restrictions(cursor)
    for operator in ("or", "and", "but"):
        if cursor.at(operator):
            cursor.fail("a relation", f"`{operator}` stands between two relations")
    name = cursor.name("a relation or `[`", "write a relation of this type, or type restrictions like `[user]`")
    if not cursor.at("from"):
        return Computed(name.text, name.span)
    cursor.advance()
    tupleset = cursor.name("a relation", "write `viewer from parent`")
    span = Span(name.span.line, name.span.column, tupleset.span.end, name.span.file)
    return FromParent(name.text, tupleset.text, span, tupleset.span)


def _parse_restrictions(cursor: Cursor) -> Direct:
    opening = cursor.mark("[", "")
    restrictions: list[Restriction] = []
    while True:
        cursor.skip_newlines()
        restrictions.append(_parse_restriction(cursor))
        cursor.skip_newlines()
        if not cursor.at(","):
            break
        cursor.advance()
    closing = cursor.mark("]", "separate restrictions by commas and close them with `]`")
    return Direct(
        tuple(restrictions), Span(opening.span.line, opening.span.column, closing.span.end, opening.span.file)
    )


def _parse_restriction(cursor: Cursor) -> Restriction:
    name = cursor.name("a type", "write who may be named: `user`, `user:*` or `group#member`")
    relation, wildcard, end = "", False, name.span.end
    if cursor.at(":"):
        cursor.advance()
        end = cursor.mark("*", "only `:*` may follow a type here").span.end
        wildcard = True
    elif cursor.at("#"):
        cursor.advance()
        target = cursor.name("a relation", "write `group#member`")
        relation, end = target.text, target.span.end
    span = Span(name.span.line, name.span.column, end, name.span.file)
    if not cursor.at("with"):
        return Restriction(name.text, relation, wildcard, span=span)
    cursor.advance()
    condition = cursor.name("a condition name", "write `user with in_office_hours`")
    return Restriction(name.text, relation, wildcard, condition.text, span, condition.span)
