"""What is to be drawn: boxes with rows, and wires from a row to a row or to a box."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of text in a box. `id` is what wires name; `kind` and `marked` decide how it looks.

    `href` makes it a link, `label` is what a screen reader says of it. Rows and wires of one `group` light up together.
    """

    id: str
    text: str
    kind: str = "part"
    indent: int = 0
    href: str = ""
    label: str = ""
    group: str = ""
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A box with a title. Wires may name its `id` too."""

    id: str
    title: str
    rows: tuple[Row, ...] = ()
    kind: str = ""
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire from a row (or box) to a row (or box). `label` is said in the list beside the picture."""

    source: str
    target: str
    label: str
    kind: str = ""
    group: str = ""
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Sketch:
    """Everything that is to be drawn. `dimmed`: what is not marked steps back, because `chosen` was asked about."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    dimmed: bool = False
    chosen: str = ""
