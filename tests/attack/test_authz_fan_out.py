"""Z4: graphs made to be slow. Every question is answered in time that grows with the graph, not with its paths."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

import pytest

from keystead.authz.decisions import AuthorizationDecision, Denied
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.plan import compile_model
from keystead.authz.language import read_model
from keystead.authz.names import relationship

MODEL: Final = """model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
    define banned: [user, group#member, group#allowed]
    define allowed: [user, group#allowed] but not banned
type folder
  relations
    define parent: [folder]
    define blocked: [user]
    define viewer: [user, group#member] or viewer from parent
    define editor: ([user, group#member] or editor from parent) but not blocked
    define spoiled: [user] or odd from parent
    define odd: [user] but not spoiled
type document
  relations
    define parent: [folder]
    define blocked: [user]
    define viewer: viewer from parent but not blocked
"""
LIMIT: Final = 4.0
"""Seconds of CPU time per question, on a core that runs the yardstick in `YARDSTICK` seconds."""
YARDSTICK: Final = 0.01

pytestmark = pytest.mark.attack("Z4")


def evaluator_of(tuples: Iterable[str], model: str = MODEL) -> Evaluator:
    """Build an engine over tuples."""
    graph = Graph(compile_model(read_model(model)))
    for text in tuples:
        assert graph.add(relationship(text))
    return Evaluator(graph)


def in_time(ask: Callable[[], object]) -> object:
    """Run a question and hold it to the limit."""
    limit = LIMIT * max(1.0, yardstick() / YARDSTICK)
    started = time.process_time()
    answer = ask()
    assert time.process_time() - started < limit
    return answer


def yardstick() -> float:
    """Measure how long this core takes now for a fixed piece of work; it may be shared with others."""
    started = time.process_time()
    table = {number: number for number in range(100_000)}
    assert sum(table.get(number, 0) for number in range(100_000)) > 0
    return time.process_time() - started


def ask_every_way(evaluator: Evaluator, user: str, relation: str, object: str) -> AuthorizationDecision:
    """Ask with and without a proof, within the limit; both must agree."""
    quick = in_time(lambda: evaluator.holds(user, relation, object))
    decision = in_time(lambda: evaluator.explain(user, relation, object))
    assert isinstance(decision, AuthorizationDecision)
    assert bool(decision) is quick
    return decision


DEEP: Final = 10_000


@pytest.mark.parametrize("relation", ["viewer", "editor"])
def test_a_chain_of_ten_thousand_folders(relation: str) -> None:
    chain = [f"folder:{depth}#parent@folder:{depth + 1}" for depth in range(DEEP)]
    evaluator = evaluator_of([*chain, f"folder:{DEEP}#{relation}@user:alice"])
    decision = ask_every_way(evaluator, "user:alice", relation, "folder:0")
    assert decision
    assert len(str(decision).splitlines()) > DEEP
    assert not ask_every_way(evaluator, "user:mallory", relation, "folder:0")


def test_a_chain_of_ten_thousand_groups() -> None:
    chain = [f"group:{depth}#member@group:{depth + 1}#member" for depth in range(DEEP)]
    evaluator = evaluator_of([*chain, f"group:{DEEP}#member@user:alice", "folder:0#viewer@group:0#member"])
    assert ask_every_way(evaluator, "user:alice", "viewer", "folder:0")
    assert not ask_every_way(evaluator, "user:mallory", "viewer", "folder:0")


def test_a_chain_under_alternating_exclusions() -> None:
    chain = [f"folder:{depth}#parent@folder:{depth + 1}" for depth in range(DEEP)]
    named = [f"folder:{depth}#odd@user:alice" for depth in range(DEEP + 1)]
    evaluator = evaluator_of([*chain, *named])
    assert ask_every_way(evaluator, "user:alice", "odd", "folder:0")  # an even number of negations below it
    assert not ask_every_way(evaluator, "user:alice", "odd", "folder:1")
    assert evaluator.list_users("folder:0", "odd", "user") == ["user:alice"]
    assert evaluator.list_users("folder:1", "odd", "user") == []


@pytest.mark.parametrize("relation", ["viewer", "editor"])
def test_a_circle_of_ten_thousand_folders(relation: str) -> None:
    circle = [f"folder:{place}#parent@folder:{(place + 1) % DEEP}" for place in range(DEEP)]
    evaluator = evaluator_of([*circle, f"folder:{DEEP - 1}#{relation}@user:alice"])
    assert ask_every_way(evaluator, "user:alice", relation, "folder:0")
    assert not ask_every_way(evaluator, "user:mallory", relation, "folder:0")


@pytest.mark.parametrize("size", [DEEP, DEEP + 1])
def test_a_circle_of_exclusions(size: int) -> None:
    circle = [f"folder:{place}#parent@folder:{(place + 1) % size}" for place in range(size)]
    named = [f"folder:{place}#odd@user:alice" for place in range(size)]
    evaluator = evaluator_of([*circle, *named])
    decision = ask_every_way(evaluator, "user:alice", "odd", "folder:0")
    assert not decision
    assert evaluator.list_users("folder:0", "odd", "user") == []
    assert "authz.contradiction" in str(decision)


KNOT_MODEL: Final = """model
  schema 1.1
type user
type knot
  relations
    define before: [knot]
    define last: [knot]
    define on: [user]
    define never: [user]
    define loop: [user, knot#loop] or held or tied
    define held: on but not freed
    define freed: on but not loop from before
    define tied: loop from last and never
"""


@pytest.mark.parametrize(("size", "settled"), [(100, True), (3_000, False)])
def test_a_knot_where_every_round_settles_one_more_loop(size: int, settled: bool) -> None:
    """Loops that lose their last support one after the other, tied into one knot: quadratic, so it is given up."""
    tuples = ["knot:0#last@knot:last"]
    for place in range(size):
        tuples.append(f"knot:{place}#loop@knot:{place}x#loop")
        tuples.append(f"knot:{place}x#loop@knot:{place}#loop")
        if place:
            tuples += [f"knot:{place}#before@knot:{place - 1}", f"knot:{place}#on@user:alice"]
    tuples.append(f"knot:last#loop@knot:{size - 1}#loop")
    evaluator = evaluator_of(tuples, KNOT_MODEL)
    decision = ask_every_way(evaluator, "user:alice", "loop", "knot:last")
    assert isinstance(decision, Denied)
    assert decision.reason == ("authz.excluded" if settled else "authz.contradiction")
    assert evaluator.list_users("knot:last", "loop", "user") == []
    assert not ask_every_way(evaluator, "user:mallory", "loop", "knot:last")


WIDE: Final = 100_000


@pytest.fixture(scope="module")
def wide() -> Evaluator:
    """One folder given to 100,000 groups, one user in 100,000 groups, one folder given to 100,000 users."""
    groups = [f"folder:wide#viewer@group:{number}#member" for number in range(WIDE)]
    memberships = [f"group:other-{number}#member@user:joiner" for number in range(WIDE)]
    users = [f"folder:popular#editor@user:{number}" for number in range(WIDE)]
    return evaluator_of([*groups, *memberships, *users, f"group:{WIDE - 1}#member@user:alice"])


@pytest.mark.parametrize("user", ["user:alice", "user:joiner", "user:mallory"])
def test_a_folder_given_to_a_hundred_thousand_groups(wide: Evaluator, user: str) -> None:
    assert bool(ask_every_way(wide, user, "viewer", "folder:wide")) is (user == "user:alice")


def test_everybody_whom_a_hundred_thousand_tuples_name_is_listed(wide: Evaluator) -> None:
    assert len(wide.list_users("folder:popular", "editor", "user")) == WIDE
    assert wide.list_users("folder:wide", "viewer", "user") == ["user:alice"]


def test_a_folder_given_to_a_hundred_thousand_people(wide: Evaluator) -> None:
    assert ask_every_way(wide, f"user:{WIDE - 1}", "editor", "folder:popular")
    assert not ask_every_way(wide, "user:mallory", "editor", "folder:popular")


@pytest.mark.parametrize("relation", ["viewer", "editor"])
def test_diamonds_with_two_to_the_five_hundred_paths(relation: str) -> None:
    tuples = []
    for level in range(500):
        for side in ("left", "right"):
            tuples.append(f"folder:{level}{side}#parent@folder:{level + 1}left")
            tuples.append(f"folder:{level}{side}#parent@folder:{level + 1}right")
            tuples.append(f"group:{level}{side}#member@group:{level + 1}left#member")
            tuples.append(f"group:{level}{side}#member@group:{level + 1}right#member")
    evaluator = evaluator_of(
        [*tuples, f"folder:0left#{relation}@group:0left#member", "group:500right#member@user:alice"]
    )
    assert ask_every_way(evaluator, "user:alice", relation, "folder:0left")
    assert not ask_every_way(evaluator, "user:mallory", relation, "folder:0left")


def test_listing_what_a_user_of_everything_may_see() -> None:
    evaluator = evaluator_of(f"folder:{number}#viewer@user:alice" for number in range(5_000))
    assert len(list_objects(evaluator, "folder", "viewer", "user:alice")) == 5_000


def test_many_parents_that_all_lead_to_the_same_long_way() -> None:
    parents = [f"document:1#parent@folder:p{number}" for number in range(2_000)]
    ways = [f"folder:p{number}#parent@folder:0" for number in range(2_000)]
    chain = [f"folder:{number}#parent@folder:{number + 1}" for number in range(2_000)]
    evaluator = evaluator_of([*parents, *ways, *chain, "group:x#member@user:mallory", "folder:2000#viewer@user:alice"])
    assert not ask_every_way(evaluator, "user:mallory", "viewer", "document:1")
    assert ask_every_way(evaluator, "user:alice", "viewer", "document:1")
