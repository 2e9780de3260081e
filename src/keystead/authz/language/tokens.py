"""Cut the text of a model into tokens that know where they stand.

Comments (`#` at the start of a line, or after white space) become spaces, so that columns stay what they were.
White space means nothing save for the end of a line.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from keystead.authz.conditions.tokens import body_of_string
from keystead.authz.errors import ModelError, Problem, Span

WORD: Final = "word"
MARK: Final = "mark"
NEWLINE: Final = "newline"
END: Final = "end"
KEYWORDS: Final = frozenset({"or", "and", "but", "from", "with", "define", "relations"})

_COMMENT: Final = re.compile(r"(^|(?<=[ \t]))#.*", re.MULTILINE)
_TOKEN: Final = re.compile(
    r"(?P<space>[ \t\f]+)|(?P<newline>\r\n|\r|\n)"
    r"|(?P<word>[A-Za-z0-9_\-][A-Za-z0-9_\-./]*)|(?P<mark>[\[\]():,*#<>{}])"
)
_WORD: Final = re.compile(r"[A-Za-z0-9_\-][A-Za-z0-9_\-./]*")
_PIECE: Final = re.compile(r"//[^\n]*|[bB]?[rR]?(?:\"\"\"|'''|\"|')|[{}]")


class Token(msgspec.Struct, frozen=True):
    """A word, a mark, the end of a line or the end of the text. `offset` counts characters from the start."""

    kind: str
    text: str
    span: Span
    offset: int

    def __str__(self) -> str:
        """Name the token for a reader."""
        return {NEWLINE: "end of line", END: "end of the model"}.get(self.kind, f"`{self.text}`")


def blank_comments(text: str) -> str:
    """Replace every comment by spaces of the same length."""
    return _COMMENT.sub(lambda match: " " * len(match[0]), text)


def is_word(name: str) -> bool:
    """Tell whether the language can write a name."""
    return _WORD.fullmatch(name) is not None


def fits_braces(expression: str) -> bool:
    """Tell whether an expression, written between braces, is read again as it is."""
    text = f"{expression.strip()}\n}}"
    try:
        return Scanner(text).take_braced() == text[:-1]
    except ModelError:
        return False


class Scanner:
    """Hands out the tokens of a model one by one. `text` is the model without its comments."""

    def __init__(self, text: str, file: str = "") -> None:
        self.text = blank_comments(text)
        self._file = file
        self._at = 0
        self._line = 1
        self._line_start = 0

    def next(self) -> Token:
        """Return the next token, and `END` for ever after the last."""
        while self._at < len(self.text):
            start = self._at
            match = _TOKEN.match(self.text, start)
            span = self._span(start, match.end() if match else start + 1)
            if match is None:
                raise ModelError([_stray(self.text[start], span)])
            self._at = match.end()
            kind = str(match.lastgroup)
            if kind == NEWLINE:
                self._line += 1
                self._line_start = self._at
            if kind != "space":
                return Token(kind, match[0], span, start)
        return Token(END, "", self._span(self._at, self._at), self._at)

    def take_braced(self) -> str | None:
        """Return the text up to the brace that closes one just read, or None if nothing closes it.

        Braces in strings and comments of the expression do not count. Raises: ModelError at a string without end.
        """
        depth, start, at = 1, self._at, self._at
        while match := _PIECE.search(self.text, at):
            at = match.end()
            if match[0] in ("{", "}"):
                depth += 1 if match[0] == "{" else -1
            elif match[0][0] != "/":
                at = self._end_of_string(match, start)
            if depth == 0:
                body = self.text[start : match.start()]
                self._pass(body, start)
                self._at = at
                return body
        return None

    def _end_of_string(self, opening: re.Match[str], start: int) -> int:
        body = body_of_string(opening[0]).match(self.text, opening.end())
        if body is None:
            self._pass(self.text[start : opening.start()], start)
            span = self._span(opening.start(), opening.end())
            remedy = "close it with the same quotes; ` #` begins a comment even in a string, write `\\x23` there"
            raise ModelError([Problem("nothing closes this string.", span, "syntax", remedy, opening[0])])
        return body.end()

    def _pass(self, body: str, start: int) -> None:
        self._line += body.count("\n")
        if "\n" in body:
            self._line_start = start + body.rindex("\n") + 1

    def _span(self, start: int, end: int) -> Span:
        return Span(self._line, start - self._line_start + 1, end - self._line_start + 1, self._file)


def _stray(character: str, span: Span) -> Problem:
    return Problem(
        f"`{character}` means nothing here.", span, "syntax", "names are letters, digits and `_ - . /`", character
    )
