"""How large things are, in pixels. Text in pictures is set in a monospaced face, so that its width is known."""

from __future__ import annotations

from typing import Final

from keystead.web.drawing.sketch import Box

LETTER: Final = 7.4
TITLE_LETTER: Final = 8.0
ROW: Final = 21.0
TITLE: Final = 34.0
INDENT: Final = 12.0
PADDING: Final = 14.0
FOOT: Final = 8.0
LANE: Final = 12.0
COLUMN_GAP: Final = 84.0
BOX_GAP: Final = 30.0
MARGIN: Final = 28.0
LONGEST: Final = 44
SMALLEST_WIDTH: Final = 96.0


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return the text, without its middle when it is too long to draw."""
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[: longest - 1 - half]}…{text[-half:]}"


def width_of(box: Box) -> float:
    """Return how wide a box must be for its text."""
    title = len(shortened(box.title)) * TITLE_LETTER
    rows = (row.indent * INDENT + len(shortened(row.text)) * LETTER for row in box.rows)
    return max(SMALLEST_WIDTH, 2 * PADDING + max((title, *rows)))


def height_of(box: Box) -> float:
    """Return how high a box must be for its rows."""
    return TITLE + (len(box.rows) * ROW + FOOT if box.rows else 0.0)
