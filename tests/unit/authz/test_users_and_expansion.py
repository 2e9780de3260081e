"""Who may: lists of users beside wildcards and exclusions, pages, and one level of what gives a relation."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest

from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.expansion import (
    ExpandedComputed,
    ExpandedDifference,
    ExpandedIntersection,
    ExpandedParents,
    ExpandedUnion,
    ExpandedUsers,
)
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.overlay import overlaid
from keystead.authz.engine.plan import compile_model
from keystead.authz.errors import InvalidQuery, Undecided
from keystead.authz.language import read_model
from keystead.authz.names import relationship

MODEL: Final = """model
  schema 1.1
type user
type robot
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define viewer: [user, group#member]
type page
  relations
    define parent: [folder]
    define banned: [user, user:*]
    define editor: [user, user with late, group#member]
    define viewer: [user, user:*, group#member] or editor or viewer from parent
    define reader: viewer but not banned
    define both: viewer and editor
    define strict: viewer and reader
condition late(hour: int) {
  hour > 20
}
"""


def evaluator_of(*tuples: str) -> Evaluator:
    """Build an engine."""
    graph = Graph(compile_model(read_model(MODEL)))
    for text in tuples:
        assert graph.add(relationship(text))
    return Evaluator(graph, now=100)


def test_users_come_from_everywhere_in_order() -> None:
    evaluator = evaluator_of(
        "page:1#viewer@user:carol", "page:1#editor@group:g#member", "group:g#member@group:h#member",
        "group:h#member@user:bob", "page:1#parent@folder:1", "folder:1#viewer@user:alice", "page:2#viewer@user:dave",
    )  # fmt: skip
    assert evaluator.list_users("page:1", "viewer", "user") == ["user:alice", "user:bob", "user:carol"]
    assert evaluator.list_users("page:1", "viewer", "group#member") == ["group:g#member", "group:h#member"]
    assert evaluator.list_users("page:1", "viewer", "robot") == []
    assert evaluator.list_users("page:1", "parent", "folder") == ["folder:1"]
    assert evaluator.list_users("page:unknown", "viewer", "user") == []


def test_a_userset_is_in_itself() -> None:
    assert evaluator_of().list_users("page:unknown", "viewer", "page#viewer") == ["page:unknown#viewer"]
    assert evaluator_of().list_users("page:1", "viewer", "page#editor") == ["page:1#editor"]
    assert evaluator_of().list_users("page:1", "editor", "page#viewer") == []


def test_everybody_is_a_wildcard_beside_those_who_are_named() -> None:
    evaluator = evaluator_of("page:1#viewer@user:*", "page:1#viewer@user:alice", "page:1#banned@user:bob")
    assert evaluator.list_users("page:1", "viewer", "user") == ["user:*", "user:alice"]
    assert evaluator.list_users("page:1", "reader", "user") == ["user:*", "user:alice"]
    assert not evaluator.holds("user:bob", "reader", "page:1")


def test_somebody_taken_away_is_not_listed_for_being_named() -> None:
    evaluator = evaluator_of("page:1#viewer@user:*", "page:1#viewer@user:bob", "page:1#banned@user:bob")
    assert evaluator.list_users("page:1", "reader", "user") == ["user:*"]
    assert evaluator.list_users("page:1", "strict", "user") == ["user:*"]


def test_everybody_can_be_taken_away() -> None:
    evaluator = evaluator_of("page:1#viewer@user:*", "page:1#viewer@user:alice", "page:1#banned@user:*")
    assert evaluator.list_users("page:1", "reader", "user") == []


def test_everybody_and_somebody_make_somebody() -> None:
    evaluator = evaluator_of("page:1#viewer@user:*", "page:1#editor@user:alice")
    assert evaluator.list_users("page:1", "both", "user") == ["user:alice"]


@pytest.mark.parametrize(
    "rule",
    ["[user] or (member but not (member but not odd from same))", "[user] or (member but not even)"],
    ids=["inline", "named"],
)
def test_naming_a_part_of_a_rule_changes_no_answer(rule: str) -> None:
    model = f"""model
  schema 1.1
type user
type club
  relations
    define same: [club]
    define member: [user]
    define even: [user] or (member but not odd from same)
    define odd: {rule}
    define rest: member but not odd
"""
    graph = Graph(compile_model(read_model(model)))
    graph.add(relationship("club:1#member@user:alice"))
    graph.add(relationship("club:1#same@club:1"))
    evaluator = Evaluator(graph)
    for relation in ("odd", "rest"):
        assert not evaluator.holds("user:alice", relation, "club:1")
        assert evaluator.list_users("club:1", relation, "user") == []


def test_pages_are_whole() -> None:
    names = sorted(f"user:{number}" for number in range(25))
    evaluator = evaluator_of(*(f"page:1#viewer@{name}" for name in names), "page:1#viewer@user:*")
    assert evaluator.list_users("page:1", "viewer", "user", limit=10) == ["user:*", *names[:9]]
    assert evaluator.list_users("page:1", "viewer", "user", after=names[8], limit=10) == names[9:19]
    assert evaluator.list_users("page:1", "viewer", "user", after=names[18], limit=10) == names[19:]
    assert evaluator.list_users("page:1", "viewer", "user", after=names[-1], limit=10) == []


def test_a_list_of_users_stops_at_the_depth_limit() -> None:
    chain = [f"group:{number}#member@group:{number + 1}#member" for number in range(30)]
    graph = evaluator_of(*chain, "group:30#member@user:alice").graph
    assert Evaluator(graph).list_users("group:0", "member", "user") == ["user:alice"]
    with pytest.raises(Undecided) as refused:
        Evaluator(graph, maximum_depth=25).list_users("group:0", "member", "user")
    assert refused.value.decision.reason == "authz.too_deep"
    assert Evaluator(graph, maximum_depth=25).list_users("group:10", "member", "user") == ["user:alice"]


@pytest.mark.parametrize(
    ("object", "relation", "filter"),
    [("page:1", "nonsense", "user"), ("what:1", "viewer", "user"), ("page:1", "viewer", "what"),
     ("page:1", "viewer", "group#nonsense"), ("page", "viewer", "user"), ("page:1", "", "user"),
     ("page:*", "viewer", "user"), ("page:1", "viewer", "")],
)  # fmt: skip
def test_questions_about_users_that_make_no_sense_are_refused(object: str, relation: str, filter: str) -> None:
    with pytest.raises(InvalidQuery):
        evaluator_of().list_users(object, relation, filter)


def test_one_level_is_the_rule_with_its_tuples() -> None:
    evaluator = evaluator_of(
        "page:1#viewer@user:*", "page:1#viewer@group:g#member", "page:1#viewer@user:alice", "page:1#parent@folder:2",
        "page:1#parent@folder:1",
    )  # fmt: skip
    name = "page:1#viewer"
    assert evaluator.expand("page:1", "viewer") == ExpandedUnion(
        name,
        (
            ExpandedUsers(name, ("group:g#member", "user:*", "user:alice")),
            ExpandedComputed(name, "page:1#editor"),
            ExpandedParents(name, "page:1#parent", ("folder:1#viewer", "folder:2#viewer")),
        ),
    )
    assert evaluator.expand("page:9", "reader") == ExpandedDifference(
        "page:9#reader",
        ExpandedComputed("page:9#reader", "page:9#viewer"),
        ExpandedComputed("page:9#reader", "page:9#banned"),
    )
    assert isinstance(evaluator.expand("page:9", "both"), ExpandedIntersection)
    assert evaluator.expand("page:9", "editor") == ExpandedUsers("page:9#editor", ())


def test_one_level_shows_conditional_tuples_and_not_expired_ones() -> None:
    graph = evaluator_of("page:1#editor@user:alice").graph
    extra = [
        relationship("page:1#editor@user:bob", condition="late"),
        relationship("page:1#editor@group:g#member", expires_at=101),
        relationship("page:1#editor@user:carol", expires_at=100),
    ]
    shown = Evaluator(overlaid(graph, extra), now=100).expand("page:1", "editor")
    assert shown == ExpandedUsers("page:1#editor", ("group:g#member", "user:alice", "user:bob"))
    assert msgspec.json.encode(shown)


@pytest.mark.parametrize(("object", "relation"), [("page:1", "nonsense"), ("what:1", "viewer"), ("page", "viewer")])
def test_expanding_what_does_not_exist_is_refused(object: str, relation: str) -> None:
    with pytest.raises(InvalidQuery):
        evaluator_of().expand(object, relation)
