"""A sketch with everything in its place, ready to be written as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from keystead.web.drawing.lanes import Pair, column_of_lane, lanes_of
from keystead.web.drawing.layers import columns_of
from keystead.web.drawing.measures import (
    BOX_GAP,
    COLUMN_GAP,
    INDENT,
    LANE,
    MARGIN,
    PADDING,
    ROW,
    TITLE,
    height_of,
    shortened,
    width_of,
)
from keystead.web.drawing.ordering import order_columns
from keystead.web.drawing.placing import place_vertically
from keystead.web.drawing.sketch import Box, Row, Sketch, Wire
from keystead.web.drawing.wiring import Frame, Port, Track, track_between, track_inside

_BASELINE: Final = 15.0
_MOST_LANES: Final = 300
MOST_WIRES: Final = 2_000
"""What is larger than that nobody can read, and takes longer than a page may."""


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row and where its text begins."""

    row: Row
    text: str
    x: float
    y: float
    top: float


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box and where it stands."""

    box: Box
    title: str
    x: float
    y: float
    width: float
    height: float
    rows: tuple[PlacedRow, ...]


@dataclass(frozen=True, slots=True)
class PlacedWire:
    """A wire and the way it takes."""

    wire: Wire
    track: Track


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together, and the wires that begin at them: they light up together."""

    rows: tuple[PlacedRow, ...]
    wires: tuple[PlacedWire, ...]
    marked: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole, with its size. `said` are the wires in words: from the relation they belong to."""

    boxes: tuple[PlacedBox, ...]
    groups: tuple[Group, ...]
    said: tuple[Wire, ...]
    width: float
    height: float
    dimmed: bool
    chosen: str = ""


def draw(sketch: Sketch) -> Picture:
    """Place everything. The same sketch gives the same picture."""
    owner = {box.id: box.id for box in sketch.boxes} | {row.id: box.id for box in sketch.boxes for row in box.rows}
    pairs = list(dict.fromkeys((owner[wire.source], owner[wire.target]) for wire in sketch.wires))
    apart = [pair for pair in pairs if pair[0] != pair[1]]
    column = columns_of([box.id for box in sketch.boxes], apart)
    lanes = lanes_of(apart, column)
    if sum(map(len, lanes.values())) > _MOST_LANES:  # too many to be told apart: straight across
        lanes = dict.fromkeys(lanes, ())
    frames = _frames(sketch, column, lanes)
    boxes = tuple(_placed(box, frames[box.id]) for box in sketch.boxes)
    ports = _ports(boxes)
    wires = tuple(
        PlacedWire(wire, _track(wire, (owner[wire.source], owner[wire.target]), lanes, frames, ports))
        for wire in sketch.wires
    )
    width = max((frame.x + frame.width for frame in frames.values()), default=0.0)
    height = max((frame.y + frame.height for frame in frames.values()), default=0.0)
    said = tuple(replace(wire, source=wire.group or wire.source) for wire in sketch.wires)
    return Picture(boxes, _groups(boxes, wires), said, width + MARGIN, height + MARGIN, sketch.dimmed, sketch.chosen)


def _groups(boxes: tuple[PlacedBox, ...], wires: tuple[PlacedWire, ...]) -> tuple[Group, ...]:
    """Put rows and wires together, in the order of the boxes, which is the order of the keyboard."""
    rows_of: dict[str, list[PlacedRow]] = {}
    wires_of: dict[str, list[PlacedWire]] = {}
    for row in (row for box in boxes for row in box.rows):
        rows_of.setdefault(row.row.group or row.row.id, []).append(row)
    for wire in wires:
        wires_of.setdefault(wire.wire.group or wire.wire.source, []).append(wire)
    names = dict.fromkeys((*rows_of, *wires_of))
    return tuple(_group(rows_of.get(name, []), wires_of.get(name, [])) for name in names)


def _group(rows: list[PlacedRow], wires: list[PlacedWire]) -> Group:
    marked = any(row.row.marked for row in rows) or any(wire.wire.marked for wire in wires)
    return Group(tuple(rows), tuple(wires), marked)


def _frames(sketch: Sketch, column: Mapping[str, int], lanes: Mapping[Pair, tuple[str, ...]]) -> dict[str, Frame]:
    """Return where every box and every lane is."""
    columns: list[list[str]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    widths, heights = [0.0] * len(columns), dict[str, float]()
    for box in sketch.boxes:
        columns[column[box.id]].append(box.id)
        widths[column[box.id]] = max(widths[column[box.id]], width_of(box))
        heights[box.id] = height_of(box)
    links: list[tuple[str, str]] = []
    for pair, way in lanes.items():
        for lane in way:
            columns[column_of_lane(lane)].append(lane)
            heights[lane] = LANE
        stops = (pair[0], *way, pair[1])
        links += [(one, other) for one, other in pairwise(stops) if _in_different(one, other, pair, column)]
    tops = place_vertically(order_columns(columns, links), heights, links, BOX_GAP)
    frames: dict[str, Frame] = {}
    left = MARGIN
    for index, items in enumerate(columns):
        for item in items:
            frames[item] = Frame(left, MARGIN + tops[item], widths[index], heights[item])
        left += widths[index] + COLUMN_GAP
    return frames


def _in_different(one: str, other: str, pair: Pair, column: Mapping[str, int]) -> bool:
    """Whether two stops stand in different columns: only two boxes of one pair can stand in the same."""
    return (one, other) != pair or column[one] != column[other]


def _placed(box: Box, frame: Frame) -> PlacedBox:
    rows = tuple(
        PlacedRow(
            row,
            shortened(row.text),
            frame.x + PADDING + row.indent * INDENT,
            frame.y + TITLE + index * ROW + _BASELINE,
            frame.y + TITLE + index * ROW,
        )
        for index, row in enumerate(box.rows)
    )
    return PlacedBox(box, shortened(box.title), frame.x, frame.y, frame.width, frame.height, rows)


def _ports(boxes: tuple[PlacedBox, ...]) -> dict[str, Port]:
    ports: dict[str, Port] = {}
    for box in boxes:
        ports[box.box.id] = Port(box.x, box.x + box.width, box.y + TITLE / 2)
        for row in box.rows:
            ports[row.row.id] = Port(box.x, box.x + box.width, row.top + ROW / 2)
    return ports


def _track(
    wire: Wire,
    pair: Pair,
    lanes: Mapping[Pair, tuple[str, ...]],
    frames: Mapping[str, Frame],
    ports: Mapping[str, Port],
) -> Track:
    start, end = ports[wire.source], ports[wire.target]
    if pair[0] == pair[1]:
        return track_inside(start, end)
    return track_between(start, end, [frames[lane] for lane in lanes[pair]])
