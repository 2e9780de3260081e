"""The text of a model cut into pieces by what they are, so that a page can colour them.

Does not: parse. Text that is no model is coloured as well as can be.
"""

from __future__ import annotations

import re
from typing import Final

Piece = tuple[str, str]
"""(kind, text): kind is `k` a word of the language, `n` a name being defined, `c` a comment, `s` a text, or empty."""

_PIECE: Final = re.compile(
    r"(?P<c>(?:^|(?<=[ \t]))\#.*)"
    r"|(?P<s>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<name>(?<=\btype[ ])[\w./-]+|(?<=\bdefine[ ])[\w./-]+|(?<=\bcondition[ ])[\w./-]+|(?<=\bmodule[ ])[\w./-]+)"
    r"|(?P<k>\b(?:model|schema|module|extend|type|relations|define|condition|or|and|but[ ]not|from|with)\b)",
    re.VERBOSE | re.MULTILINE,
)
_KINDS: Final = {"name": "n"}


def highlighted(text: str) -> list[list[Piece]]:
    """Return the lines of a text, each as its pieces. Put together they are the text."""
    return [_pieces(line) for line in text.splitlines()]


def _pieces(line: str) -> list[Piece]:
    found: list[Piece] = []
    at = 0
    for match in _PIECE.finditer(line):
        if match.start() > at:
            found.append(("", line[at : match.start()]))
        kind = str(match.lastgroup)
        found.append((_KINDS.get(kind, kind), match[0]))
        at = match.end()
    if at < len(line):
        found.append(("", line[at:]))
    return found
