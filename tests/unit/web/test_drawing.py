"""The picture of a model: nothing overlaps, nothing is missing, every wire ends where it should."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.authz import read_model
from keystead.web.drawing.highlighting import highlighted
from keystead.web.drawing.layers import columns_of
from keystead.web.drawing.model_sketch import only_marked, sketch_model
from keystead.web.drawing.picture import PlacedBox, draw
from keystead.web.drawing.sketch import Box, Row, Sketch, Wire

SHOP = (Path(__file__).parents[2] / "cases" / "shop.fga").read_text()


def overlap(one: PlacedBox, other: PlacedBox) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@st.composite
def sketches(draw: st.DrawFn) -> Sketch:
    """Any boxes with rows, any wires between them, circles and all."""
    boxes = [
        Box(
            f"t{index}", "x" * draw(st.integers(1, 60)), tuple(Row(f"t{index}#{row}", "r" * row) for row in range(rows))
        )
        for index, rows in enumerate(draw(st.lists(st.integers(0, 6), min_size=1, max_size=9)))
    ]
    ends = [box.id for box in boxes] + [row.id for box in boxes for row in box.rows]
    wires = draw(st.lists(st.tuples(st.sampled_from(ends), st.sampled_from(ends)), max_size=25))
    return Sketch(tuple(boxes), tuple(Wire(source, target, "leads to") for source, target in wires))


@settings(max_examples=60, deadline=None)
@given(sketches())
def test_no_two_boxes_overlap_and_the_picture_holds_them_all(sketch: Sketch) -> None:
    picture = draw(sketch)
    assert [box.box for box in picture.boxes] == list(sketch.boxes)
    assert [pair for pair in combinations(picture.boxes, 2) if overlap(*pair)] == []
    for box in picture.boxes:
        assert min(box.x, box.y) > 0
        assert box.x + box.width < picture.width
        assert box.y + box.height < picture.height
    assert sum(len(group.wires) for group in picture.groups) == len(sketch.wires) == len(picture.said)
    assert draw(sketch) == picture


def test_the_ways_lead_to_the_right_and_circles_do_no_harm() -> None:
    column = columns_of(["user", "a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a"), ("c", "user"), ("a", "user")])
    assert (column["a"], column["b"], column["c"], column["user"]) == (0, 1, 2, 3)


def test_every_part_of_a_rule_is_a_wire_to_where_it_leads() -> None:
    wires = {(wire.source, wire.target, wire.label) for wire in draw(sketch_model(read_model(SHOP))).said}
    assert ("order#can_view", "shop#banned", "from shop") in wires
    assert ("order#can_view", "order#viewer", "comes with") in wires
    assert ("shop#clerk", "team#member", "named as team#member") in wires
    assert ("order#owner", "user", "named as user") in wires
    assert len(wires) == 15


def test_operators_and_parentheses_are_kept() -> None:
    model = read_model(
        "model\n  schema 1.1\ntype user\ntype d\n  relations\n    define a: [user, user:*]\n    define b: [user]\n"
        "    define c: (a or b) but not (a and b)\n"
    )
    rows = [row.text for row in sketch_model(model).boxes[1].rows]
    assert rows == ["a", "[user]", "[user:*]", "b", "[user]", "c", "(a", "or b)", "but not (a", "and b)"]


def test_a_chosen_relation_marks_all_it_depends_on_and_nothing_else() -> None:
    sketch = sketch_model(read_model(SHOP), chosen="order#can_refund")
    marked = {row.group for box in sketch.boxes for row in box.rows if row.marked}
    assert marked == {"order#can_refund", "order#owner", "shop#clerk", "team#member"}
    assert {box.id for box in only_marked(sketch).boxes} == {"order", "shop", "team", "user"}
    assert not any(row.group == "order#viewer" for box in only_marked(sketch).boxes for row in box.rows)
    assert not sketch_model(read_model(SHOP), chosen="order#nothing").dimmed


@pytest.mark.parametrize(
    "text", [SHOP, "type  # a comment\n\tdefine x: 'a # b' \"c\"", "condition c(x: int) {\n x > 1\n}"]
)
def test_coloured_text_is_still_the_text(text: str) -> None:
    lines = ["".join(piece for _, piece in line) for line in highlighted(text)]
    assert lines == text.splitlines()


def test_words_names_and_comments_are_told_apart() -> None:
    [line] = highlighted("    define can_view: viewer but not banned from shop # why")
    assert [piece for piece in line if piece[0]] == [
        ("k", "define"),
        ("n", "can_view"),
        ("k", "but not"),
        ("k", "from"),
        ("c", "# why"),
    ]


def test_a_model_in_which_everything_leads_to_everything_is_drawn_at_once() -> None:
    """Time grows with what is drawn, not with its square: whoever writes models must not hold up the console."""
    count = 44
    names = [f"t{number}" for number in range(count)]
    rules = {one: ", ".join(["user", *(other for other in names if other != one)]) for one in names}
    types = "".join(f"type {one}\n  relations\n    define a: [{rule}]\n" for one, rule in rules.items())
    sketch = sketch_model(read_model(f"model\n  schema 1.1\ntype user\n{types}"))
    picture = draw(sketch)
    assert sum(len(group.wires) for group in picture.groups) == len(sketch.wires) > 1_900
    assert [pair for pair in combinations(picture.boxes, 2) if overlap(*pair)] == []
    paths = [wire.track.path for group in picture.groups for wire in group.wires]
    assert not any("H" in path for path in paths), "lanes, each crossing of which is counted, are for fewer wires"
