"""`condition name(parameter: type) { expression }`: read and kept; `keystead.authz.conditions` compiles it."""

from __future__ import annotations

import re
from typing import Final

from keystead.authz.errors import ModelError, Problem
from keystead.authz.language.cursor import Cursor
from keystead.authz.language.tokens import Token
from keystead.authz.model import ConditionDefinition, Parameter

PLAIN_TYPES: Final = frozenset({"any", "bool", "string", "int", "uint", "double", "duration", "timestamp", "ipaddress"})
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
CONTAINER_TYPES: Final = frozenset({"list", "map"})


def parse_condition(cursor: Cursor) -> ConditionDefinition:
    """Read one condition, its expression kept as text."""
    cursor.word("condition", "")
    name = cursor.name("a condition name", "write `condition in_office(address: ipaddress) { ... }`")
    cursor.mark("(", "declare the parameters between parentheses")
    parameters: list[Parameter] = []
    while True:
        cursor.skip_newlines()
        parameters.append(_parse_parameter(cursor, name, parameters))
        cursor.skip_newlines()
        if not cursor.at(","):
            break
        cursor.advance()
    cursor.mark(")", "separate parameters by commas")
    cursor.skip_newlines()
    expression, span = cursor.braced_text()
    cursor.newline("a condition ends its line")
    return ConditionDefinition(name.text, tuple(parameters), expression, name.span, span)


def _parse_parameter(cursor: Cursor, condition: Token, known: list[Parameter]) -> Parameter:
    name = cursor.name("a parameter name", "write `name: type`")
    if not _IDENTIFIER.fullmatch(name.text):
        message = f"`{name.text}` is not a name for a parameter."
        raise ModelError([Problem(message, name.span, "syntax", "use letters, digits and `_`", name.text)])
    cursor.mark(":", "write `name: type`")
    kind = cursor.token
    if kind.text not in PLAIN_TYPES | CONTAINER_TYPES:
        cursor.fail("a parameter type", f"one of {', '.join(sorted(PLAIN_TYPES))}, list<...>, map<...>")
    cursor.advance()
    if any(parameter.name == name.text for parameter in known):
        message = f"parameter '{name.text}' is already defined in the condition '{condition.text}'"
        raise ModelError([Problem(message, name.span, "syntax", "give each parameter its own name", name.text)])
    if kind.text in PLAIN_TYPES:
        return Parameter(name.text, kind.text)
    cursor.mark("<", f"say what the {kind.text} holds: `{kind.text}<string>`")
    generic = cursor.token
    if generic.text not in PLAIN_TYPES:
        cursor.fail("a plain type", f"a {kind.text} holds one of {', '.join(sorted(PLAIN_TYPES))}")
    cursor.advance()
    cursor.mark(">", "close the type with `>`")
    return Parameter(name.text, kind.text, generic.text)
