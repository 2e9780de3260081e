"""Objects and the tuples between them as a sketch, with the way that grants marked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from keystead.authz.decisions import AuthorizationDecision, Denied, Step
from keystead.storage.ports import Relationship
from keystead.web.drawing.sketch import Box, Row, Sketch, Wire

MOST_OBJECTS: Final = 40
MOST_STEPS: Final = 100

_WORDS: Final = {"also": "comes with", "userset": "given to", "parent": "comes from", "not": "but not"}


class _Collector:
    """Boxes and wires as they are found; what comes first stands first."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, bool]] = {}
        self.wires: dict[tuple[str, str, str], bool] = {}
        self.labels: dict[tuple[str, str, str], str] = {}
        self.marked: set[str] = set()

    def place(self, name: str, *, marked: bool) -> str:
        """Make room for an object, or for a relation of one, and return the id of what was made."""
        object, hash_mark, relation = name.partition("#")
        rows = self.rows.setdefault(object, {})
        if marked:
            self.marked.add(object)
        if hash_mark:
            rows[relation] = rows.get(relation, False) or marked
        return name

    def wire(self, source: str, target: str, label: str, kind: str, *, marked: bool) -> None:
        """Lead a wire; one that is there already may become marked."""
        key = (self.place(source, marked=marked), self.place(target, marked=marked), kind)
        self.wires[key] = self.wires.get(key, False) or marked
        self.labels.setdefault(key, label)

    def sketch(self, *, dimmed: bool) -> Sketch:
        boxes = tuple(
            Box(
                object,
                object,
                tuple(
                    Row(f"{object}#{relation}", relation, "relation", group=f"{object}#{relation}", marked=marked)
                    for relation, marked in rows.items()
                ),
                "object" if rows else "user",
                marked=object in self.marked,
            )
            for object, rows in self.rows.items()
        )
        wires = tuple(
            Wire(key[0], key[1], self.labels[key], key[2], group=key[0], marked=marked)
            for key, marked in self.wires.items()
        )
        return Sketch(boxes, wires, dimmed=dimmed)


def sketch_objects(
    question: tuple[str, str, str], decision: AuthorizationDecision, around: Iterable[Relationship]
) -> Sketch:
    """Return the picture of a decision: the steps that grant, or the places that were looked at, and tuples near by.

    `question` is (user, relation, object). Does not: show more than `MOST_OBJECTS` objects beside the way, or
    more than the first `MOST_STEPS` steps of it.
    """
    user, relation, object = question
    found = _Collector()
    found.place(f"{object}#{relation}", marked=True)
    if not isinstance(decision, Denied):
        _draw_path(found, decision.path[:MOST_STEPS], user)
    if isinstance(decision, Denied):
        for place in decision.looked_at:
            if len(found.rows) < MOST_OBJECTS:
                found.place(place, marked=False)
        found.place(user, marked=True)
    for tuple in around:
        if len(found.rows) < MOST_OBJECTS or {tuple.object, tuple.user.partition("#")[0]} <= found.rows.keys():
            found.wire(f"{tuple.object}#{tuple.relation}", tuple.user, "names", _kind(tuple.user), marked=False)
    return found.sketch(dimmed=True)


def objects_of(question: tuple[str, str, str], decision: AuthorizationDecision) -> list[str]:
    """Return the objects whose tuples belong into the picture, the question's first."""
    if isinstance(decision, Denied):
        places = list(decision.looked_at)
    else:
        places = [name for step in decision.path for name in (step.has, step.through)]
    names = (place.partition("#")[0] for place in (question[2], *places))
    return [name for name in dict.fromkeys(names) if ":" in name and not name.endswith(":*")][:MOST_OBJECTS]


def _draw_path(found: _Collector, path: tuple[Step, ...], user: str) -> None:
    """Draw the steps; what must hold together hangs on the step that says so, one level up."""
    together: dict[int, str] = {}
    before: dict[int, str] = {}
    for step in path:
        above = together.get(step.depth - 1, "")
        if above and step.has != above and step.has != before.get(step.depth):
            found.wire(above, step.has, "needs", "also", marked=True)
        _draw_step(found, step, user)
        before[step.depth] = step.through
        if step.how == "all":
            together[step.depth] = step.has


def _draw_step(found: _Collector, step: Step, user: str) -> None:
    if "#" not in step.has:
        return
    if step.tuple is not None and step.how in ("tuple", "everybody"):
        kind = "everybody" if step.how == "everybody" else "direct"
        found.wire(step.has, step.tuple.user, "names", kind, marked=True)
    elif step.how in _WORDS and "#" in step.through and ":" in step.through:
        label = _WORDS[step.how]
        if step.how == "parent" and step.tuple is not None:
            label = f"from {step.tuple.relation}"
        found.wire(step.has, step.through, label, step.how, marked=step.how != "not")
    elif step.how == "itself":
        found.wire(step.has, user, "is", "userset", marked=True)


def _kind(user: str) -> str:
    return "userset" if "#" in user else "everybody" if user.endswith(":*") else "direct"
