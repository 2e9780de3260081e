"""The graph's indexes: qualified tuples apart, overlays that leave nothing behind, what is reachable."""

from __future__ import annotations

from random import Random
from typing import Final

import msgspec
import pytest

from keystead.authz.engine.copying import copied
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.overlay import Overlay, overlaid
from keystead.authz.engine.plan import _accepts, compile_model
from keystead.authz.engine.qualified import Qualifier
from keystead.authz.engine.rules import AllOf, Also, AnyOf, ButNot, Rule, Through
from keystead.authz.language import read_model
from keystead.authz.names import relationship
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship
from tests.unit.authz.graph_contents import contents, without_nothing
from tests.unit.authz.random_cases import random_model, random_tuples

MODEL: Final = """model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define owner: [user]
    define viewer: [user, group#member] or owner
type doc
  relations
    define parent: [folder]
    define viewer: viewer from parent
    define lone: [user]
"""


def until(text: str, moment: int = 1_000) -> Relationship:
    """Make an expiring tuple."""
    return msgspec.structs.replace(relationship(text), expires_at=EpochSeconds(moment))


def test_a_qualified_tuple_stands_apart_and_counts_in_its_slot() -> None:
    graph = Graph(compile_model(read_model(MODEL)))
    graph.add(relationship("folder:1#viewer@user:alice"))
    graph.add(until("folder:1#viewer@user:bob"))
    graph.add(until("folder:1#viewer@group:g#member", 5))
    slot = graph.plan.slots["folder", "viewer"]
    node = graph.node(graph.number("folder:1"), slot)
    assert list(graph.users.at(node)) == [graph.number("user:alice")]
    assert graph.qualified_users.at(node) == {graph.number("user:bob"): Qualifier(expires_at=1_000)}
    member = graph.node(graph.number("group:g"), graph.plan.slots["group", "member"])
    assert graph.qualified_usersets.at(node) == {member: Qualifier(expires_at=5)}
    assert graph.qualified_slots == {slot: 2}
    affected = {name for name, slot in graph.plan.slots.items() if graph.qualified_below(slot)}
    assert affected == {("folder", "viewer"), ("doc", "viewer")}
    graph.discard(relationship("folder:1#viewer@user:bob"))
    graph.discard(relationship("folder:1#viewer@group:g#member"))
    assert graph.qualified_slots == {}
    assert not any(graph.qualified_below(slot) for slot in graph.plan.slots.values())


@pytest.mark.parametrize("backwards", [False, True])
def test_a_tuple_replaces_one_that_is_qualified_otherwise(backwards: bool) -> None:
    text = "group:1#member@user:a"
    plain, soon, late = relationship(text), until(text, 1), until(text, 2)
    for sequence in ((plain, soon), (soon, plain), (soon, late), (late, plain, soon)):
        graph, fresh = Graph(compile_model(read_model(MODEL))), Graph(compile_model(read_model(MODEL)))
        if backwards:
            graph.reverse()
        for each in sequence:
            graph.add(each)
        fresh.add(sequence[-1])
        assert graph.holds(sequence[-1])
        assert not any(graph.holds(each) for each in sequence[:-1])
        assert contents(graph) == contents(fresh)


def test_what_is_stored_under_no_condition_is_refused_where_the_model_demands_one() -> None:
    model = read_model(
        "model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define viewer: [user with c, user:*]\n"
        "condition c(x: int) { x > 1 }\n"
    )
    accepts = _accepts({("doc", "viewer"): 0}, model.types[1].relations[0].restrictions)
    assert accepts.allows("user", "", False, "c")
    assert accepts.allows("user", "", True, "")
    assert not accepts.allows("user", "", False, "")
    assert not accepts.allows("user", "", True, "c")
    assert not accepts.allows("user", "", False, "d")


@pytest.mark.attack("K1")
def test_a_copy_says_the_same_and_goes_its_own_way() -> None:
    for seed in range(60):
        random = Random(seed)
        graph = Graph(compile_model(random_model(random)))
        fresh = Graph(graph.plan)
        stored, more = (maybe_expiring(random, random_tuples(random) * 2) for _ in range(2))
        stored += [Relationship("group:1", "a", f"user:{number}") for number in range(40)]  # a set, if it is allowed
        for each in stored:
            graph.add(each)
        graph.closures.of(graph.number("user:1"), -1)
        before, other = contents(graph), copied(graph)
        assert contents(other) == before
        for each in more:
            other.add(each)
        for each in stored[::2]:
            other.discard(each)
        assert contents(graph) == before
        for each in (*stored, *more):
            fresh.add(each)
        for each in stored[::2]:
            fresh.discard(each)
        assert without_nothing(contents(other)) == without_nothing(contents(fresh))


def maybe_expiring(random: Random, tuples: list[Relationship]) -> list[Relationship]:
    """Let some expire."""
    return [
        msgspec.structs.replace(each, expires_at=EpochSeconds(random.randint(0, 3)) if random.random() < 0.4 else 0)
        for each in tuples
    ]


@pytest.mark.attack("K1")
@pytest.mark.parametrize("backwards", [True, False])
def test_an_overlay_is_the_graph_with_its_tuples_and_touches_nothing_below(backwards: bool) -> None:
    for seed in range(80):
        random = Random(seed)
        plan = compile_model(random_model(random))
        stored, extra = (maybe_expiring(random, random_tuples(random)) for _ in range(2))
        extra += [
            Relationship(f"{each.object}-new", each.relation, each.user, expires_at=each.expires_at) for each in extra
        ]
        below, together = Graph(plan), Graph(plan)
        for each in stored:
            below.add(each)
        for each in (*stored, *extra):
            together.add(each)
        before = contents(below, backwards=backwards)
        over = overlaid(below, extra)
        assert without_nothing(contents(over)) == without_nothing(contents(together)), seed
        gone = random.sample(stored, len(stored) // 2)
        for each in gone if isinstance(over, Overlay) else ():
            over.discard(each)
            together.discard(each)
        assert without_nothing(contents(over)) == without_nothing(contents(together)), seed
        assert contents(below, backwards=backwards) == before


@pytest.mark.attack("K1")
def test_columns_turned_round_follow_every_write() -> None:
    for seed in range(60):
        random = Random(seed)
        plan = compile_model(random_model(random))
        followed, pool = Graph(plan), maybe_expiring(random, random_tuples(random) + random_tuples(random))
        present: dict[tuple[str, str, str], Relationship] = {}
        followed.reverse()
        for each in random.choices(pool, k=40) if pool else []:
            key = (each.object, each.relation, each.user)
            if key in present and random.random() < 0.6:
                followed.discard(each)
                del present[key]
            else:
                followed.add(each)
                present[key] = each
        fresh = Graph(plan)
        for each in present.values():
            fresh.add(each)
        assert without_nothing(contents(followed)) == without_nothing(contents(fresh)), seed


@pytest.mark.attack("K1")
def test_groups_remembered_for_somebody_new_in_an_overlay_are_nobody_elses_later() -> None:
    graph = Graph(compile_model(read_model(MODEL)))
    graph.add(relationship("folder:1#viewer@group:g#member"))
    over = overlaid(graph, [relationship("folder:2#owner@user:new"), relationship("folder:2#viewer@user:other")])
    assert not Evaluator(over).holds("user:new", "viewer", "folder:1")
    graph.add(relationship("group:h#member@user:x"))  # takes numbers that the overlay had given away
    graph.add(relationship("folder:3#viewer@group:h#member"))
    graph.add(relationship("group:g#member@user:y"))
    assert Evaluator(graph).holds("user:y", "viewer", "folder:1")
    assert Evaluator(graph).holds("user:x", "viewer", "folder:3")
    assert not Evaluator(graph).holds("user:x", "viewer", "folder:1")


@pytest.mark.attack("K1")
def test_contextual_tuples_keep_the_closures_of_others() -> None:
    graph = Graph(compile_model(read_model(MODEL)))
    for text in ("folder:1#viewer@group:g#member", "group:g#member@user:a", "folder:1#owner@user:z"):
        graph.add(relationship(text))
    assert Evaluator(graph).holds("user:a", "viewer", "folder:1")
    kept = dict(graph.closures.kept)
    assert kept
    over = overlaid(graph, [relationship("group:g#member@user:b")])
    assert Evaluator(over).holds("user:b", "viewer", "folder:1")
    assert Evaluator(overlaid(graph, [relationship("folder:9#owner@user:b")])).holds("user:a", "viewer", "folder:1")
    assert graph.closures.kept == kept
    assert not Evaluator(graph).holds("user:b", "viewer", "folder:1")


def test_what_is_reachable_is_what_following_every_rule_finds() -> None:
    for seed in range(300):
        plan = compile_model(random_model(Random(seed)))
        for slot in range(plan.width):
            found, walk = {slot}, [slot]
            for each in walk:
                leads = {target for target in range(plan.width) if plan.reachable[each] >> target & 1}
                assert leads <= {target for target in range(plan.width) if plan.reachable[slot] >> target & 1}
                direct = {*plan.accepts[each].usersets.values(), *mentioned(plan.rules[each])}
                walk += sorted(direct - found)
                found |= direct
            assert plan.reachable[slot] == sum(1 << each for each in found)


def mentioned(rule: Rule) -> set[int]:
    """Every slot in a rule."""
    match rule:
        case Also(other):
            return {other}
        case Through(tupleset, targets):
            return {tupleset, *targets.values()}
        case AnyOf(parts) | AllOf(parts):
            return set().union(*map(mentioned, parts))
        case ButNot(base, subtract):
            return mentioned(base) | mentioned(subtract)
        case _:
            return set()
