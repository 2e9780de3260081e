"""K1 and U9: names that look alike stay apart, and what was remembered for one question never answers another."""

from __future__ import annotations

import unicodedata
from itertools import combinations, permutations
from pathlib import Path
from random import Random
from typing import Final

import pytest

from keystead.authz import InvalidQuery, InvalidRelationship, open
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.overlay import overlaid
from keystead.authz.engine.plan import compile_model
from keystead.authz.language import read_model
from keystead.authz.names import relationship
from keystead.storage.ports import Relationship
from tests.unit.authz.graph_contents import contents
from tests.unit.authz.random_cases import IDS, TYPES, random_model, random_tuples, random_user

MODEL: Final = """model
  schema 1.1
type user
type robot
type group
  relations
    define member: [user, robot, group#member]
    define members: [user]
type doc
  relations
    define viewer: [user, robot, user:*, group#member] or member
    define member: [user]
type docs
  relations
    define viewer: [user]
"""

LOOK_ALIKES: Final = [
    "alice", "Alice", "ALICE", "alice.", "alice%20", "al\u0456ce", "\u0430lice", "ali\u200dce", "alic\u00e9",
    unicodedata.normalize("NFD", "alic\u00e9"), "alice|1", "alice/1", "alice@x", "@alice", "**", "alice*", "-1", "1",
    "01", "1.0", "\uff11",
]  # fmt: skip


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Both embedded backends."""
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/tuples.db"


@pytest.mark.attack("U9")
async def test_people_with_similar_names_are_different_people(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write([Relationship(f"doc:{name}", "viewer", f"user:{name}") for name in LOOK_ALIKES])
        for name in LOOK_ALIKES:
            assert await engine.list_objects("doc", "viewer", f"user:{name}") == [f"doc:{name}"]
        for one, other in permutations(LOOK_ALIKES, 2):
            assert not await engine.check(f"user:{one}", "viewer", f"doc:{other}")


@pytest.mark.attack("U9")
async def test_the_same_name_of_another_type_is_somebody_else(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write(["doc:1#viewer@user:7", "group:7#member@robot:7", "doc:2#viewer@group:7#member"])
        assert not await engine.check("robot:7", "viewer", "doc:1")
        assert not await engine.check("user:7", "viewer", "doc:2")
        assert await engine.check("robot:7", "viewer", "doc:2")


@pytest.mark.attack("U9")
@pytest.mark.parametrize(
    "user",
    ["user:", ":alice", "user", "", "user:a b", "user:a\n", "user:a\x00", "user:a#member#member", "user:a:b",
     "user:*#member", "user:\ud800", "us er:a", "user:a\u2028", "*", "*:*", "user:#member", "user:a#",
     f"user:{'a' * 600}"],
)  # fmt: skip
async def test_a_malformed_user_is_refused_and_never_a_yes(user: str) -> None:
    async with open("memory://", model=MODEL) as engine:
        await engine.write(["doc:1#viewer@user:*"])
        with pytest.raises(InvalidQuery):
            await engine.check(user, "viewer", "doc:1")
        with pytest.raises(InvalidRelationship):
            await engine.write([Relationship("doc:1", "viewer", user)])


@pytest.mark.attack("U9")
@pytest.mark.parametrize(
    "object", ["doc:*", "doc:", "doc", ":1", "doc:1#viewer", "doc:a:b", "doc:a b", "", f"doc:{'1' * 300}"]
)
async def test_a_malformed_object_is_refused(object: str) -> None:
    async with open("memory://", model=MODEL) as engine:
        with pytest.raises(InvalidQuery):
            await engine.check("user:alice", "viewer", object)
        with pytest.raises(InvalidRelationship):
            await engine.write([Relationship(object, "viewer", "user:alice")])


@pytest.mark.attack("U9")
async def test_a_wildcard_lets_in_people_of_its_type_only(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write(["doc:1#viewer@user:*", "group:g#member@user:bob"])
        assert await engine.check("user:anybody", "viewer", "doc:1")
        assert await engine.check("user:*", "viewer", "doc:1")
        assert not await engine.check("robot:1", "viewer", "doc:1")
        assert not await engine.check("group:g#member", "viewer", "doc:1")
        assert not await engine.check("user:*", "member", "group:g")
        with pytest.raises(InvalidRelationship):
            await engine.write(["doc:1#viewer@robot:*"])


@pytest.mark.attack("U9")
async def test_two_unknown_usersets_are_never_the_same() -> None:
    async with open("memory://", model=MODEL) as engine:
        assert await engine.check("doc:8#member", "viewer", "doc:8")
        assert not await engine.check("doc:9#member", "viewer", "doc:8")
        assert not await engine.check("doc:8#viewer", "member", "doc:8")


@pytest.mark.attack("K1")
async def test_realms_and_stores_of_one_database_do_not_meet(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/tuples.db"
    places = [
        ("acme", "shop"),
        ("acme", "sho"),
        ("acmes", "hop"),
        ("acme", "shop2"),
        ("Acme", "shop"),
        ("acme/", "shop"),
    ]
    engines = [open(url, model=MODEL, realm=realm, store=store) for realm, store in places]
    for number, engine in enumerate(engines):
        await engine.write([f"doc:{number}#viewer@user:alice"])
    for number, engine in enumerate(engines):
        assert await engine.list_objects("doc", "viewer", "user:alice") == [f"doc:{number}"]
    for engine in engines:
        await engine.close()


@pytest.mark.attack("K1")
async def test_questions_whose_parts_join_to_the_same_text_are_different(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write(["doc:s1#viewer@user:alice", "group:1#member@user:alice"])
        assert await engine.check("user:alice", "viewer", "doc:s1")
        assert not await engine.check("user:alice", "viewer", "docs:1")
        assert await engine.check("user:alice", "member", "group:1")
        assert not await engine.check("user:alice", "members", "group:1")


@pytest.mark.attack("K1")
def test_what_is_remembered_never_changes_an_answer() -> None:
    """Ask everything between random changes; an engine that has just been built must say the same."""
    for seed in range(60):
        random = Random(seed)
        model = random_model(random, monotone=True)
        graph = Graph(compile_model(model))
        pool, present = random_tuples(random) + random_tuples(random), set[Relationship]()
        users = ["user:1", "user:2", "user:*", random_user(random)]
        for _ in range(12):
            each = random.choice(pool) if pool else Relationship("doc:1", "a", "user:1")
            if each in present:
                graph.discard(each)
                present.remove(each)
            else:
                graph.add(each)
                present.add(each)
            fresh = Graph(graph.plan)
            for known in present:
                fresh.add(known)
            assert answers(graph, users) == answers(fresh, users), seed


@pytest.mark.attack("K1")
def test_contextual_tuples_leave_nothing_behind() -> None:
    for seed in range(40):
        random = Random(seed)
        model, stored, extra = random_model(random), random_tuples(random), random_tuples(random)
        extra += [
            Relationship(f"{each.object}-new", each.relation, f"{each.user}-new")
            for each in extra
            if "*" not in each.user
        ]
        graph, fresh, together = (Graph(compile_model(model)) for _ in range(3))
        for each in stored:
            graph.add(each)
            fresh.add(each)
            together.add(each)
        for each in extra:
            together.add(each)
        users = ["user:1", "user:2", "user:1-new", random_user(random)]
        alone = answers(graph, users)
        assert answers(overlaid(graph, extra), users) == answers(together, users)
        assert answers(graph, users) == alone == answers(fresh, users)
        assert contents(graph) == contents(fresh)
        assert list(graph.names) == list(fresh.names)
        assert (dict(graph.numbers), dict(graph.everybody)) == (dict(fresh.numbers), dict(fresh.everybody))


@pytest.mark.attack("K1")
async def test_an_error_inside_a_question_takes_the_contextual_tuples_back(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        with pytest.raises(InvalidQuery):
            await engine.check("user:alice", "nonsense", "doc:1", tuples=["doc:1#viewer@user:alice"])
        with pytest.raises(InvalidRelationship):
            await engine.check(
                "user:alice", "viewer", "doc:1", tuples=["doc:1#viewer@user:alice", "doc:1#viewer@robot:*"]
            )
        assert not await engine.check("user:alice", "viewer", "doc:1")
        assert await engine.check("user:alice", "viewer", "doc:1", tuples=["doc:1#viewer@user:alice"])
        assert not await engine.check("user:alice", "viewer", "doc:1")


def answers(graph: Graph, users: list[str]) -> dict[tuple[str, str, str], bool]:
    """Ask everything there is to ask."""
    evaluator = Evaluator(graph)
    found = {}
    for user in users:
        for type, relation in graph.plan.names:
            for object in (f"{type}:{id}" for id in IDS if type in TYPES):
                try:
                    found[user, relation, object] = evaluator.holds(user, relation, object)
                except InvalidQuery:
                    continue
    return found


@pytest.mark.attack("K1")
def test_one_tuple_more_changes_one_answer_at_once() -> None:
    plan = compile_model(read_model(MODEL))
    texts = ["group:a#member@group:b#member", "group:b#member@user:x", "doc:1#viewer@group:a#member"]
    for chosen in combinations(texts, 2):
        graph = Graph(plan)
        for text in chosen:
            graph.add(relationship(text))
        evaluator = Evaluator(graph)
        assert not evaluator.holds("user:x", "viewer", "doc:1")
        (missing,) = set(texts) - set(chosen)
        graph.add(relationship(missing))
        assert evaluator.holds("user:x", "viewer", "doc:1")
        graph.discard(relationship(missing))
        assert not evaluator.holds("user:x", "viewer", "doc:1")
