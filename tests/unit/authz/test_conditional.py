"""Conditions and expiry in decisions: yes, no, and what it hangs on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from keystead.authz.decisions import Allowed, Conditional, Denied
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.plan import compile_model
from keystead.authz.errors import Undecided
from keystead.authz.language import read_model
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship

MODEL: Final = """model
  schema 1.1
type user
type group
  relations
    define member: [user, user with adult, group#member with adult]
type page
  relations
    define other: [page, page with adult]
    define dim: [user with adult, user:* with quiet]
    define plain: [user]
    define viewer: [user with adult, group#member with quiet, user] or viewer from other
    define unless_dim: plain but not dim
    define restricted: [user, page#reader]
    define reader: [user] but not restricted
    define both: reader and dim
    define either: reader or dim
    define clear: unless_dim or reader
    define count: [user with counted, user with measured]
condition adult(age: int, limit: int) {
  age >= limit
}
condition quiet(volume: double) {
  volume < 0.5
}
condition counted(n: int) {
  n + 1 > 0
}
condition measured(n: uint) {
  n - 1u >= 0u
}
"""
ADULT: Final = '{"limit":18}'


def evaluator_of(*tuples: Relationship, now: float = 100, context: Mapping[str, object] | None = None) -> Evaluator:
    """Build an engine."""
    graph = Graph(compile_model(read_model(MODEL)))
    for each in tuples:
        assert graph.add(each)
    return Evaluator(graph, now=now, context=context)


def test_a_condition_decides_with_what_the_question_brings_and_what_the_tuple_stores() -> None:
    tuple = Relationship("page:1", "viewer", "user:alice", "adult", ADULT)
    assert evaluator_of(tuple, context={"age": 18}).holds("user:alice", "viewer", "page:1")
    assert not evaluator_of(tuple, context={"age": 17}).holds("user:alice", "viewer", "page:1")
    decision = evaluator_of(tuple, context={"age": 40}).explain("user:alice", "viewer", "page:1")
    assert isinstance(decision, Allowed)
    assert decision.tuples == (tuple,)
    assert decision.path[-1].values == {"age": 40, "limit": 18}
    assert str(decision).endswith("page:1#viewer: named by a tuple, as adult(age=40, limit=18) holds")


def test_what_the_tuple_stores_wins_over_the_question() -> None:
    tuple = Relationship("page:1", "viewer", "user:alice", "adult", ADULT)
    assert not evaluator_of(tuple, context={"age": 17, "limit": 3}).explain("user:alice", "viewer", "page:1")


@pytest.mark.parametrize("context", [{}, {"age": 17}, {"limit": 18}], ids=["none", "age", "limit"])
def test_what_is_missing_is_named(context: dict[str, object]) -> None:
    tuple = Relationship("page:1", "viewer", "user:alice", "adult")
    decision = evaluator_of(tuple, context=context).explain("user:alice", "viewer", "page:1")
    assert isinstance(decision, Conditional)
    assert not decision
    assert decision.reason == "authz.condition_missing"
    assert set(decision.missing) == {"age", "limit"} - set(context)
    assert all(f"missing {name}" in str(decision) for name in decision.missing)


def test_a_value_of_the_wrong_type_is_no_answer() -> None:
    tuple = Relationship("page:1", "viewer", "user:alice", "adult", ADULT)
    decision = evaluator_of(tuple, context={"age": "old"}).explain("user:alice", "viewer", "page:1")
    assert isinstance(decision, Conditional)
    assert decision.reason == "authz.condition_failed"
    assert not decision.missing


@pytest.mark.parametrize("number", [2**63 - 1, str(2**63 - 1)])
def test_a_whole_number_does_not_wrap_around(number: object) -> None:
    tuple = Relationship("page:1", "count", "user:alice", "counted")
    decision = evaluator_of(tuple, context={"n": number}).explain("user:alice", "count", "page:1")
    assert isinstance(decision, Conditional)
    assert decision.reason == "authz.condition_failed"


@pytest.mark.parametrize("number", [0, "0", -1, 2**64, "18446744073709551616"])
def test_an_unsigned_number_does_not_wrap_around(number: object) -> None:
    tuple = Relationship("page:1", "count", "user:alice", "measured")
    decision = evaluator_of(tuple, context={"n": number}).explain("user:alice", "count", "page:1")
    assert isinstance(decision, Conditional)
    assert decision.reason == "authz.condition_failed"
    assert evaluator_of(tuple, context={"n": 2**64 - 1}).holds("user:alice", "count", "page:1")


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, "9223372036854775808", 1e300, float("inf"), float("nan")])
def test_a_number_out_of_range_is_refused_not_cut(number: object) -> None:
    tuple = Relationship("page:1", "count", "user:alice", "counted")
    assert isinstance(evaluator_of(tuple, context={"n": number}).decide("user:alice", "count", "page:1"), Conditional)


def test_certainty_beats_doubt() -> None:
    doubtful = Relationship("page:1", "viewer", "user:alice", "adult")
    sure = Relationship("page:1", "viewer", "group:g#member", "quiet", '{"volume":0.1}')
    member = Relationship("group:g", "member", "user:alice")
    assert evaluator_of(doubtful, sure, member).holds("user:alice", "viewer", "page:1")
    loud = Relationship("page:1", "viewer", "group:g#member", "quiet", '{"volume":0.9}')
    assert isinstance(evaluator_of(doubtful, loud, member).explain("user:alice", "viewer", "page:1"), Conditional)
    assert type(evaluator_of(doubtful, loud, member).explain("user:bob", "viewer", "page:1")) is Denied


def test_doubt_about_a_group_concerns_its_members_only() -> None:
    given = Relationship("page:1", "viewer", "group:g#member", "quiet")
    evaluator = evaluator_of(given, Relationship("group:g", "member", "user:alice"))
    decision = evaluator.explain("user:alice", "viewer", "page:1")
    assert isinstance(decision, Conditional)
    assert decision.missing == ("volume",)
    assert decision.looked_at == ("page:1#viewer",)
    assert isinstance(evaluator.decide("user:alice", "viewer", "page:1"), Conditional)
    assert not evaluator.holds("user:alice", "viewer", "page:1")
    assert str(decision).endswith("hangs on page:1#viewer")
    assert type(evaluator.explain("user:bob", "viewer", "page:1")) is Denied


def test_doubt_about_a_parent_concerns_those_it_lets_in() -> None:
    given = Relationship("page:1", "other", "page:2", "adult")
    evaluator = evaluator_of(given, Relationship("page:2", "viewer", "user:alice"))
    decision = evaluator.explain("user:alice", "viewer", "page:1")
    assert isinstance(decision, Conditional)
    assert decision.looked_at == ("page:1#other",)
    assert isinstance(evaluator.decide("user:alice", "viewer", "page:1"), Conditional)
    assert not evaluator.holds("user:alice", "viewer", "page:1")
    assert type(evaluator.explain("user:bob", "viewer", "page:1")) is Denied


def test_doubt_about_everybody_concerns_everybody() -> None:
    evaluator = evaluator_of(Relationship("page:1", "dim", "user:*", "quiet"))
    assert isinstance(evaluator.explain("user:anybody", "dim", "page:1"), Conditional)


def test_doubt_about_an_exclusion_is_not_a_yes() -> None:
    plain, dim = Relationship("page:1", "plain", "user:alice"), Relationship("page:1", "dim", "user:alice", "adult")
    assert isinstance(evaluator_of(plain, dim).explain("user:alice", "unless_dim", "page:1"), Conditional)
    assert evaluator_of(plain, dim, context={"age": 3, "limit": 4}).holds("user:alice", "unless_dim", "page:1")
    assert type(evaluator_of(dim).explain("user:alice", "unless_dim", "page:1")) is Denied


PARADOX: Final = (
    Relationship("page:1", "reader", "user:alice"),
    Relationship("page:1", "restricted", "page:1#reader"),
    Relationship("page:1", "dim", "user:alice", "adult"),
    Relationship("page:1", "plain", "user:alice"),
)


def test_a_contradiction_is_a_no_whatever_comes_of_the_doubt() -> None:
    decision = evaluator_of(*PARADOX).explain("user:alice", "both", "page:1")
    assert type(decision) is Denied
    assert decision.reason == "authz.contradiction"
    assert type(evaluator_of(*PARADOX).decide("user:alice", "both", "page:1")) is Denied


@pytest.mark.parametrize("relation", ["either", "clear"])
def test_beside_a_contradiction_the_doubt_is_what_counts(relation: str) -> None:
    decision = evaluator_of(*PARADOX).explain("user:alice", relation, "page:1")
    assert isinstance(decision, Conditional)
    assert decision.missing == ("age", "limit")


def test_a_circle_hangs_on_what_feeds_it() -> None:
    circle = [Relationship("page:1", "other", "page:2"), Relationship("page:2", "other", "page:1")]
    fed = Relationship("page:2", "viewer", "user:alice", "adult", ADULT)
    assert isinstance(evaluator_of(*circle, fed).explain("user:alice", "viewer", "page:1"), Conditional)
    assert evaluator_of(*circle, fed, context={"age": 20}).holds("user:alice", "viewer", "page:1")
    assert type(evaluator_of(*circle, fed, context={"age": 2}).explain("user:alice", "viewer", "page:1")) is Denied


def test_a_tuple_counts_until_it_expires_and_not_a_moment_longer() -> None:
    until = Relationship("page:1", "viewer", "user:alice", expires_at=EpochSeconds(100))
    assert evaluator_of(until, now=99).holds("user:alice", "viewer", "page:1")
    assert not evaluator_of(until, now=100).holds("user:alice", "viewer", "page:1")
    assert not Evaluator(evaluator_of(until).graph).holds("user:alice", "viewer", "page:1")  # no time, no favours
    assert str(evaluator_of(until, now=1).explain("user:alice", "viewer", "page:1")).endswith("until 100")


def test_an_expired_tuple_is_a_no_whatever_its_condition_lacks() -> None:
    until = Relationship("page:1", "viewer", "user:alice", "adult", expires_at=EpochSeconds(100))
    assert isinstance(evaluator_of(until, now=99).explain("user:alice", "viewer", "page:1"), Conditional)
    assert type(evaluator_of(until, now=100).explain("user:alice", "viewer", "page:1")) is Denied
    assert evaluator_of(until, now=100).list_users("page:1", "viewer", "user") == []


def test_lists_refuse_to_guess() -> None:
    doubtful = Relationship("page:1", "viewer", "user:alice", "adult")
    evaluator = evaluator_of(doubtful, Relationship("page:2", "viewer", "user:bob"))
    assert list_objects(evaluator, "page", "viewer", "user:bob") == ["page:2"]
    with pytest.raises(Undecided, match="missing age") as refused:
        list_objects(evaluator, "page", "viewer", "user:alice")
    assert refused.value.decision.missing == ("age", "limit")
    assert evaluator.list_users("page:2", "viewer", "user") == ["user:bob"]
    with pytest.raises(Undecided, match="missing limit"):
        evaluator.list_users("page:1", "viewer", "user")


def test_a_list_that_the_model_rules_out_is_empty_whatever_the_conditions() -> None:
    evaluator = evaluator_of(Relationship("page:1", "viewer", "user:alice", "adult"))
    assert evaluator.list_users("page:1", "viewer", "group") == []
