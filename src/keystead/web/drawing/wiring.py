"""The paths of wires: smooth curves from port to port, with the direction of travel horizontal at every stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_ARROW: Final = 5.0
_LOOP: Final = 9.0
_LOOP_GROWTH: Final = 0.09
_WIDEST_LOOP: Final = 24.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Port:
    """Where wires may leave or enter: on the left or on the right, at one height."""

    left: float
    right: float
    y: float


@dataclass(frozen=True, slots=True)
class Track:
    """The way of a wire in SVG's words, and the arrowhead at its end."""

    path: str
    tip: str


def track_between(start: Port, end: Port, lanes: list[Frame]) -> Track:
    """Return the way from one box to another, through the lanes between them."""
    if start.left == end.left:  # one above the other: go round on the right
        return Track(_around(start.right, start.y, end.right, end.y), _tip(end.right, end.y, -1))
    forward = start.left < end.left
    x, y = (start.right, start.y) if forward else (start.left, start.y)
    path = f"M{x:.1f} {y:.1f}"
    for lane in lanes:
        near, far = (lane.x, lane.x + lane.width) if forward else (lane.x + lane.width, lane.x)
        height = lane.y + lane.height / 2
        path += f"{_curve(x, y, near, height)}H{far:.1f}"
        x, y = far, height
    target = end.left - _ARROW if forward else end.right + _ARROW
    tip = _tip(end.left, end.y, 1) if forward else _tip(end.right, end.y, -1)
    return Track(path + _curve(x, y, target, end.y), tip)


def track_inside(start: Port, end: Port) -> Track:
    """Return the way from a row to another of the same box: a bow on the left."""
    bow = min(_WIDEST_LOOP, _LOOP + abs(end.y - start.y) * _LOOP_GROWTH)
    bend = start.left - bow * 1.33
    path = (
        f"M{start.left:.1f} {start.y:.1f}"
        f"C{bend:.1f} {start.y:.1f} {bend:.1f} {end.y:.1f} {end.left - _ARROW:.1f} {end.y:.1f}"
    )
    return Track(path, _tip(end.left, end.y, 1))


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    middle = (x + to_x) / 2
    return f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _around(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = max(x, to_x) + _WIDEST_LOOP * 1.6
    return f"M{x:.1f} {y:.1f}C{bend:.1f} {y:.1f} {bend:.1f} {to_y:.1f} {to_x + _ARROW:.1f} {to_y:.1f}"


def _tip(x: float, y: float, direction: int) -> str:
    back = x - direction * (_ARROW + 2)
    return f"M{x:.1f} {y:.1f}L{back:.1f} {y - _ARROW + 1:.1f}V{y + _ARROW - 1:.1f}Z"
