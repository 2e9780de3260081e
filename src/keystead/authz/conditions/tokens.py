"""Cut a CEL expression into tokens.

Spec: CEL language definition, "Syntax".
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from keystead.authz.conditions.problems import Unreadable

_TOKEN: Final = re.compile(
    r"(?P<space>[ \t\n\f\r]+|//[^\n]*)"
    r"|(?P<string>[bB]?[rR]?(?:\"\"\"|'''|\"|'))"
    r"|(?P<float>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<uint>0x[0-9a-fA-F]+[uU]|[0-9]+[uU])"
    r"|(?P<int>0x[0-9a-fA-F]+|[0-9]+)"
    r"|(?P<quoted>`[A-Za-z0-9_.\-/ ]+`)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<mark>==|!=|<=|>=|&&|\|\||[-<>()\[\]{}.,+*/%?:!])"
)
_BODIES: Final = {
    "'": re.compile(r"(?:[^\\'\n\r]|\\.)*'"),
    '"': re.compile(r'(?:[^\\"\n\r]|\\.)*"'),
    "'''": re.compile(r"(?:[^\\]|\\.)*?'''", re.DOTALL),
    '"""': re.compile(r'(?:[^\\]|\\.)*?"""', re.DOTALL),
}
_RAW_BODIES: Final = {
    "'": re.compile(r"[^'\n\r]*'"),
    '"': re.compile(r'[^"\n\r]*"'),
    "'''": re.compile(r".*?'''", re.DOTALL),
    '"""': re.compile(r'.*?"""', re.DOTALL),
}


class Token(msgspec.Struct, frozen=True):
    """`kind` is string, float, uint, int, name, quoted (a name between back quotes), mark or end."""

    kind: str
    text: str
    at: int
    end: int

    def __str__(self) -> str:
        """Name it for a reader."""
        return "the end of the expression" if self.kind == "end" else f"`{self.text[:40]}`"


def cut(text: str) -> list[Token]:
    """Return the tokens and an `end`. Raises: Unreadable."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unreadable(f"`{text[at]}` means nothing here", at, at + 1, _remedy(text, at))
        kind, end = str(match.lastgroup), match.end()
        if kind == "string":
            end = _end_of_string(text, match[0], at, end)
        if kind != "space":
            tokens.append(Token(kind, text[at:end], at, end))
        at = end
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def body_of_string(opening: str) -> re.Pattern[str]:
    """Return what finds the rest of a string that begins so: `'`, `\"`, three of them, perhaps after `b` or `r`."""
    prefix = opening.rstrip("'\"")
    bodies = _RAW_BODIES if "r" in prefix.lower() else _BODIES
    return bodies[opening[len(prefix) :]]


def _end_of_string(text: str, opening: str, at: int, start: int) -> int:
    body = body_of_string(opening).match(text, start)
    if body is None:
        raise Unreadable("nothing closes this string", at, start, "close it with the same quotes, on the same line")
    return body.end()


def _remedy(text: str, at: int) -> str:
    pair = text[at : at + 1]
    return {
        "=": "compare with `==`",
        "&": "write `&&`",
        "|": "write `||`",
        "`": "between back quotes stand letters, digits, `_ . - /` and spaces",
    }.get(pair, "write an expression of CEL: `x < 5 && name == 'a'`")
