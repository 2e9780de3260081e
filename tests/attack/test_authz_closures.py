"""K1: the groups remembered for somebody go when a write can have changed them, and only then."""

from __future__ import annotations

from typing import Final

import pytest

from keystead.authz.engine import closures
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.overlay import overlaid
from keystead.authz.engine.plan import compile_model
from keystead.authz.language import read_model
from keystead.authz.names import relationship
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship

MODEL: Final = """model
  schema 1.1
type user
type robot
type group
  relations
    define member: [user, user:*, robot, group#member]
type doc
  relations
    define viewer: [user, group#member]
"""
PEOPLE: Final = ("user:a", "user:b", "user:c", "robot:r")

pytestmark = pytest.mark.attack("K1")


def remembering() -> Graph:
    """A graph that has been asked about everybody: a is in g, b in h which is in g, c and the robot in k."""
    graph = Graph(compile_model(read_model(MODEL)))
    for text in (
        "group:g#member@user:a", "group:h#member@user:b", "group:g#member@group:h#member", "group:k#member@user:c",
        "group:k#member@robot:r", *(f"doc:1#viewer@group:{name}#member" for name in "ghk"),
    ):  # fmt: skip
        graph.add(relationship(text))
    for who in PEOPLE:
        assert Evaluator(graph).holds(who, "viewer", "doc:1")
    assert remembered(graph) == set(PEOPLE)
    return graph


def remembered(graph: Graph) -> set[str]:
    """Whose groups are remembered."""
    return {graph.names[user] for user in graph.closures.kept}


@pytest.mark.parametrize(
    ("written", "dropped"),
    [
        ("doc:2#viewer@user:a", set()),
        ("doc:1#viewer@group:new#member", set()),
        ("group:g#member@user:c", {"user:c"}),
        ("group:g#member@user:new", set()),
        ("group:k#member@group:h#member", {"user:b"}),
        ("group:k#member@group:g#member", {"user:a", "user:b"}),
        ("group:h#member@group:g#member", {"user:a", "user:b"}),
        ("group:g#member@user:*", {"user:a", "user:b", "user:c"}),
    ],
)
def test_a_write_drops_exactly_whom_it_can_affect(written: str, dropped: set[str]) -> None:
    graph = remembering()
    graph.add(relationship(written))
    assert remembered(graph) == set(PEOPLE) - dropped
    for who in PEOPLE:
        Evaluator(graph).holds(who, "viewer", "doc:1")
    graph.discard(relationship(written))
    assert remembered(graph) == set(PEOPLE) - dropped


def test_a_deleted_membership_counts_for_the_very_next_question() -> None:
    graph = remembering()
    graph.discard(relationship("group:g#member@group:h#member"))
    graph.discard(relationship("doc:1#viewer@group:h#member"))
    assert not Evaluator(graph).holds("user:b", "viewer", "doc:1")
    assert Evaluator(graph).holds("user:a", "viewer", "doc:1")


def test_what_expires_never_gets_into_what_is_remembered() -> None:
    graph = remembering()
    graph.add(Relationship("group:g", "member", "user:x", expires_at=EpochSeconds(100)))
    assert Evaluator(graph, now=50).holds("user:x", "viewer", "doc:1")
    assert not Evaluator(graph, now=100).holds("user:x", "viewer", "doc:1")
    assert Evaluator(graph, now=50).holds("user:x", "viewer", "doc:1")
    assert "user:x" not in remembered(graph) or not graph.closures.kept[graph.number("user:x")]


def test_a_circle_of_groups_is_remembered_whole_or_not_at_all() -> None:
    graph = remembering()
    for text in ("group:1#member@group:2#member", "group:2#member@group:1#member", "group:2#member@user:a"):
        graph.add(relationship(text))
    graph.add(relationship("doc:9#viewer@group:1#member"))
    for _ in range(2):
        assert Evaluator(graph).holds("user:a", "viewer", "doc:9")
        assert not Evaluator(graph).holds("user:b", "viewer", "doc:9")
    graph.discard(relationship("group:2#member@user:a"))
    assert not Evaluator(graph).holds("user:a", "viewer", "doc:9")


def test_somebody_new_in_an_overlay_lends_nobody_a_number() -> None:
    """What was found for a name that only an overlay knew must not be found for the next name that gets its number."""
    graph = remembering()
    over = overlaid(graph, [relationship("doc:5#viewer@user:ghost")])
    assert not Evaluator(over).holds("user:ghost", "viewer", "doc:1")
    number = over.number("user:ghost")
    graph.add(relationship("doc:6#viewer@user:real"))
    assert graph.number("user:real") == number
    graph.add(relationship("doc:1#viewer@group:all#member"))
    assert remembered(graph) == set(PEOPLE)
    with_group = overlaid(graph, [relationship("group:g#member@user:real")])
    assert Evaluator(with_group).holds("user:real", "viewer", "doc:1")
    assert not Evaluator(graph).holds("user:real", "viewer", "doc:1")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closures, "MAX_KEPT", 20)
    graph = remembering()
    for number in range(100):
        graph.add(relationship(f"group:g#member@user:{number}"))
        assert Evaluator(graph).holds(f"user:{number}", "viewer", "doc:1")
    assert sum(len(groups) + 1 for groups in graph.closures.kept.values()) <= 20
