"""A model as a sketch: types are boxes, every relation a row, and each part of its rule a row with its own wires.

So a wire is labelled by the row it starts from: `viewer from parent` leads to the `viewer` of every parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    Direct,
    Exclusion,
    FromParent,
    Intersection,
    RelationDefinition,
    Restriction,
    Rewrite,
    TypeDefinition,
    children,
)
from keystead.web.drawing.sketch import Box, Row, Sketch, Wire


def sketch_model(model: AuthorizationModel, here: str = "", chosen: str = "") -> Sketch:
    """Return the sketch. `chosen`, say `order#viewer`, marks that relation and all it depends on.

    Every relation's row is a link to `here?relation=...`; without `here` there are none.
    """
    boxes = tuple(_box(model, definition, here) for definition in model.types)
    wires = tuple(wire for definition in model.types for wire in _wires(model, definition))
    sketch = Sketch(boxes, wires)
    return mark_from(sketch, chosen) if any(row.group == chosen for box in boxes for row in box.rows) else sketch


def mark_from(sketch: Sketch, chosen: str) -> Sketch:
    """Return the sketch with one relation and everything it depends on marked."""
    group_of = {row.id: row.group for box in sketch.boxes for row in box.rows}
    reached, walk = {chosen}, [chosen]
    for group in walk:
        for wire in sketch.wires:
            target = group_of.get(wire.target, wire.target)
            if wire.group == group and target not in reached:
                reached.add(target)
                walk.append(target)
    boxes = tuple(
        replace(
            box,
            marked=box.id in reached,
            rows=tuple(replace(row, marked=row.group in reached) for row in box.rows),
        )
        for box in sketch.boxes
    )
    return Sketch(
        boxes, tuple(replace(wire, marked=wire.group in reached) for wire in sketch.wires), dimmed=True, chosen=chosen
    )


def only_marked(sketch: Sketch) -> Sketch:
    """Return the sketch without what is not marked."""
    boxes = tuple(
        replace(box, rows=tuple(row for row in box.rows if row.marked))
        for box in sketch.boxes
        if box.marked or any(row.marked for row in box.rows)
    )
    there = {box.id for box in boxes} | {row.id for box in boxes for row in box.rows}
    wires = tuple(wire for wire in sketch.wires if wire.source in there and wire.target in there)
    return replace(sketch, boxes=boxes, wires=wires)


def relation_id(type: str, relation: str) -> str:
    """Return the id of a relation's row."""
    return f"{type}#{relation}"


def _box(model: AuthorizationModel, definition: TypeDefinition, here: str) -> Box:
    rows: list[Row] = []
    for relation in definition.relations:
        name = relation_id(definition.name, relation.name)
        href = f"{here}{'&' if '?' in here else '?'}relation={quote(name, safe='')}#chosen" if here else ""
        said = f"{relation.name} of {definition.name}: {' '.join(text for text, _ in parts_of(relation.rewrite))}"
        rows.append(Row(name, relation.name, "relation", href=href, label=said, group=name))
        rows += [
            Row(f"{name}/{index}", text, "part", 1, group=name)
            for index, (text, _) in enumerate(parts_of(relation.rewrite))
        ]
    return Box(definition.name, definition.name, tuple(rows), "type")


def _wires(model: AuthorizationModel, definition: TypeDefinition) -> Iterator[Wire]:
    for relation in definition.relations:
        name = relation_id(definition.name, relation.name)
        for index, (_, part) in enumerate(parts_of(relation.rewrite)):
            for target, label, kind in _targets(model, definition, relation, part):
                yield Wire(f"{name}/{index}", target, label, kind, group=name)


Part = Restriction | Computed | FromParent
"""What stands in a row of its own under a relation."""


def parts_of(rewrite: Rewrite) -> list[tuple[str, Part]]:
    """Return the parts of a rule from left to right, each with its words: operators and parentheses included."""
    if isinstance(rewrite, Direct):
        return [(f"[{who}]", who) for who in rewrite.restrictions]
    if isinstance(rewrite, Computed):
        return [(rewrite.relation, rewrite)]
    if isinstance(rewrite, FromParent):
        return [(f"{rewrite.relation} from {rewrite.tupleset}", rewrite)]
    word = "but not" if isinstance(rewrite, Exclusion) else "and" if isinstance(rewrite, Intersection) else "or"
    found: list[tuple[str, Part]] = []
    for index, child in enumerate(children(rewrite)):
        inner = parts_of(child)
        if children(child) and inner:
            inner[0] = (f"({inner[0][0]}", inner[0][1])
            inner[-1] = (f"{inner[-1][0]})", inner[-1][1])
        if index and inner:
            inner[0] = (f"{word} {inner[0][0]}", inner[0][1])
        found += inner
    return found


def _targets(
    model: AuthorizationModel, definition: TypeDefinition, relation: RelationDefinition, part: Part
) -> Iterator[tuple[str, str, str]]:
    """Yield where a part leads: the target, what the wire says, and its kind."""
    if isinstance(part, Computed):
        yield relation_id(definition.name, part.relation), "comes with", "also"
    elif isinstance(part, FromParent):
        over = definition.relation(part.tupleset)
        for parent in dict.fromkeys(who.type for who in over.restrictions) if over else ():
            if model.relation(parent, part.relation) is not None:
                yield relation_id(parent, part.relation), f"from {part.tupleset}", "parent"
    elif part.relation:
        yield relation_id(part.type, part.relation), f"named as {part}", "userset"
    else:
        yield part.type, f"named as {part}", "everybody" if part.wildcard else "direct"
