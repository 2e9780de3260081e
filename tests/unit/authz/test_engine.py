"""Corners of the engine that random worlds seldom reach."""

from __future__ import annotations

from typing import Final

from keystead.authz.decisions import Denied
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.plan import compile_model
from keystead.authz.language import read_model
from keystead.authz.names import relationship

HEAD: Final = "model\n  schema 1.1\ntype user\n"


def evaluator_of(model: str, *tuples: str) -> Evaluator:
    """Build an engine."""
    graph = Graph(compile_model(read_model(HEAD + model)))
    for text in tuples:
        assert graph.add(relationship(text))
    return Evaluator(graph)


def test_a_parent_whose_type_lacks_the_relation_leads_nowhere() -> None:
    model = """type folder
  relations
    define viewer: [user]
type thing
type doc
  relations
    define parent: [folder, thing]
    define viewer: viewer from parent
type zz
  relations
    define last: [user]
"""
    evaluator = evaluator_of(
        model, "folder:1#viewer@user:alice", "doc:1#parent@folder:2", "zz:1#last@user:alice", "doc:1#parent@thing:1"
    )
    assert not evaluator.holds("user:alice", "viewer", "doc:1")
    assert not evaluator.explain("user:alice", "viewer", "doc:1")


CONTRADICTION: Final = """type page
  relations
    define restricted: [user, page#reader]
    define reader: [user] but not restricted
    define outsider: [user] but not reader
    define both: [user] and reader
    define either: [user] or reader
    define neither: [user] but not outsider
"""
PARADOX: Final = ("page:1#reader@user:alice", "page:1#restricted@page:1#reader")


def test_a_contradiction_below_is_never_a_yes_above() -> None:
    given = [f"page:1#{relation}@user:alice" for relation in ("outsider", "both", "neither")]
    evaluator = evaluator_of(CONTRADICTION, *PARADOX, *given)
    for relation in ("reader", "restricted", "outsider", "both", "neither"):
        decision = evaluator.explain("user:alice", relation, "page:1")
        assert isinstance(decision, Denied)
        assert decision.reason == "authz.contradiction"
    assert not evaluator.holds("user:alice", "either", "page:1")


def test_a_certain_branch_beats_a_contradiction() -> None:
    evaluator = evaluator_of(CONTRADICTION, *PARADOX, "page:1#either@user:alice", "page:1#outsider@user:bob")
    assert evaluator.holds("user:alice", "either", "page:1")
    assert evaluator.holds("user:bob", "outsider", "page:1")
    assert evaluator.explain("user:bob", "both", "page:1").revision == 0
    denied = evaluator.explain("user:bob", "both", "page:1")
    assert isinstance(denied, Denied)
    assert denied.reason == "authz.no_path"


def test_the_proof_is_a_shortest_one() -> None:
    model = """type group
  relations
    define member: [user, group#member]
type doc
  relations
    define viewer: [user, group#member]
"""
    detour = [f"group:{step}#member@group:{step + 1}#member" for step in range(20)]
    evaluator = evaluator_of(
        model, "doc:1#viewer@group:0#member", *detour, "group:20#member@user:alice", "doc:1#viewer@group:20#member"
    )
    decision = evaluator.explain("user:alice", "viewer", "doc:1")
    assert str(decision).splitlines()[1:] == [
        "  doc:1#viewer: given to group:20#member",
        "  group:20#member: named by a tuple",
    ]


def test_a_relation_given_by_two_tuples_survives_the_loss_of_one() -> None:
    model = """type group
  relations
    define admin: [user]
    define member: [user] or admin
type doc
  relations
    define viewer: [group#member]
"""
    evaluator = evaluator_of(
        model, "doc:1#viewer@group:1#member", "group:1#admin@user:alice", "group:1#member@user:alice"
    )
    assert evaluator.holds("user:alice", "viewer", "doc:1")
    evaluator.graph.discard(relationship("group:1#admin@user:alice"))
    assert evaluator.holds("user:alice", "viewer", "doc:1")
    evaluator.graph.discard(relationship("group:1#member@user:alice"))
    assert not evaluator.holds("user:alice", "viewer", "doc:1")


def test_an_unknown_name_is_not_made_known_by_asking() -> None:
    evaluator = evaluator_of("type doc\n  relations\n    define viewer: [user, user:*]\n", "doc:1#viewer@user:*")
    known = list(evaluator.graph.names)
    for number in range(100):
        assert evaluator.holds(f"user:{number}", "viewer", "doc:1")
        assert not evaluator.holds(f"user:{number}", "viewer", f"doc:x{number}")
    assert list(evaluator.graph.names) == known


def test_a_circle_that_a_negation_feeds_is_not_unfounded() -> None:
    """Each is read unless the other is: neither is certain, so both are undefined rather than one being chosen."""
    model = """type page
  relations
    define other: [page]
    define listed: [user]
    define hidden: [user] or read from other
    define read: listed but not hidden
"""
    circle = ("page:1#other@page:2", "page:2#other@page:1", "page:1#listed@user:alice", "page:2#listed@user:alice")
    evaluator = evaluator_of(model, *circle)
    for page in ("page:1", "page:2"):
        decision = evaluator.explain("user:alice", "read", page)
        assert isinstance(decision, Denied)
        assert decision.reason == "authz.contradiction"
    evaluator.graph.add(relationship("page:1#hidden@user:alice"))
    assert not evaluator.holds("user:alice", "read", "page:1")
    assert evaluator.holds("user:alice", "read", "page:2")
