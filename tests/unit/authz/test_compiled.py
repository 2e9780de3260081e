"""Compiled checks say what the solver says: over small worlds, large ones, after every write, and in overlays."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Final

import pytest

from keystead.authz.engine import column
from keystead.authz.engine.doubt import Judge
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.overlay import overlaid
from keystead.authz.engine.plan import Plan, compile_model
from keystead.authz.engine.question import ask
from keystead.authz.engine.solver import Solver
from keystead.authz.engine.source import Look, Read, write_check
from keystead.authz.engine.vertex import Value
from keystead.authz.language import read_model
from keystead.authz.model import AuthorizationModel, Direct, RelationDefinition, Restriction, TypeDefinition
from keystead.authz.names import relationship
from keystead.storage.ports import Relationship
from tests.unit.authz.random_cases import TYPES, random_model, random_tuples

USERS: Final = ("user:1", "user:2", "robot:1", "doc:1")


def same(graph: Graph, objects: Iterable[str], users: Iterable[str] = USERS) -> int:
    """Ask everything of compiled code and of the solver. Answer: how many questions had code."""
    judge, compiled = Judge(graph.plan.conditions, 0.0, {}), 0
    for object in objects:
        for relation in {name for type, name in graph.plan.slots if type == object.partition(":")[0]}:
            for user in users:
                quick = graph.quick(user, relation, object)
                if quick is not None:
                    compiled += 1
                    solved = Solver(graph, ask(graph, user, relation, object), judge).decide().value is Value.TRUE
                    assert quick is solved, (user, relation, object)
    return compiled


@pytest.fixture(params=["as it is", "every column a list"])
def dense(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Small worlds fill few columns; let those be lists all the same."""
    if request.param != "as it is":
        monkeypatch.setattr(column, "_FEW", 1)
        monkeypatch.setattr(column, "_DENSE", 10**6)
        monkeypatch.setattr(column, "_SPARSE", 10**6)
    return str(request.param)


@pytest.mark.attack("Z1")
@pytest.mark.usefixtures("dense")
@pytest.mark.parametrize("monotone", [True, False], ids=["unions", "everything"])
def test_compiled_checks_follow_every_write(monotone: bool) -> None:
    compiled = 0
    for seed in range(60):
        random = Random(seed)
        graph = Graph(compile_model(random_model(random, monotone=monotone)))
        pool, present = random_tuples(random) + random_tuples(random), set[Relationship]()
        for each in random.choices(pool, k=12) if pool else []:
            if each in present:
                graph.discard(each)
                present.remove(each)
            else:
                graph.add(each)
                present.add(each)
            compiled += same(graph, [f"{type}:{id}" for type in TYPES for id in ("1", "2")])
        extra = random_tuples(random)
        same(overlaid(graph, extra), {each.object for each in extra})
        same(graph, {each.object for each in extra})
    assert compiled > (1_000 if monotone else 100)


@pytest.mark.attack("Z1")
def test_a_rule_with_and_or_but_not_is_compiled_and_gives_up_on_circles() -> None:
    model = """model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type doc
  relations
    define parent: [doc]
    define blocked: [user, group#member, user:*]
    define paid: [user] or paid from parent
    define viewer: ([user, group#member] or viewer from parent) but not blocked
    define reader: viewer and paid
"""
    graph = Graph(compile_model(read_model(model)))
    for text in (
        *(f"doc:{number}#parent@doc:{number + 1}" for number in range(100)),
        "doc:5#viewer@user:1", "doc:3#blocked@user:1",
        "doc:90#viewer@group:g#member", "group:g#member@user:2", "doc:0#paid@user:1", "doc:95#paid@user:2",
        "doc:a#parent@doc:b", "doc:b#parent@doc:a", "doc:a#viewer@user:3", "doc:b#blocked@group:g#member",
    ):  # fmt: skip
        graph.add(relationship(text))
    assert graph.quick("user:1", "viewer", "doc:5") is True
    assert graph.quick("user:1", "viewer", "doc:4") is True
    assert graph.quick("user:1", "viewer", "doc:2") is False
    assert graph.quick("user:2", "viewer", "doc:60") is True
    assert graph.quick("user:2", "viewer", "doc:10") is None  # eighty steps away: the solver's
    assert graph.quick("user:3", "viewer", "doc:b") is True
    assert graph.quick("user:1", "viewer", "doc:b") is None  # a circle
    assert same(graph, [f"doc:{place}" for place in (*range(0, 100, 7), "a", "b")], ["user:1", "user:2", "user:3"]) > 30
    graph.add(relationship("doc:80#blocked@user:*"))
    assert graph.quick("user:2", "viewer", "doc:60") is False


LARGE: Final = """model
  schema 1.1
type user
type group
  relations
    define admin: [user]
    define member: [user, user:*, group#member] or admin
type folder
  relations
    define parent: [folder, group]
    define owner: [user]
    define member: owner from parent
    define viewer: [user, group#member, doc#viewer] or owner or viewer from parent or member from parent
type doc
  relations
    define parent: [folder]
    define viewer: [user, user:*, group#member, folder#viewer] or viewer from parent
"""


@pytest.mark.attack("Z1")
def test_compiled_checks_of_a_large_world() -> None:
    """Enough objects for columns to become lists, lists to become dictionaries again, and sets to form."""
    for seed in range(4):
        random = Random(seed)
        graph = Graph(compile_model(read_model(LARGE)))
        doors = [
            (type, relation, str(who))
            for type, relation in graph.plan.slots
            for definition in [graph.plan.model.relation(type, relation)]
            if definition
            for who in definition.restrictions
        ]
        tuples = list(dict.fromkeys(large_tuple(random, *random.choice(doors)) for _ in range(2_500)))
        for each in tuples:
            graph.add(each)
        assert any(each.shape.dense for each in graph.columns)
        asked = [f"{type}:{number}" for type in ("group", "folder", "doc") for number in (0, 3, 77, 149)]
        users = ["user:0", "user:77", "user:99"]
        assert same(graph, asked, users)
        for each in tuples[200:]:
            graph.discard(each)
        assert same(graph, asked, users)
        for number in range(3_000):
            graph.add(Relationship(f"doc:more{number}", "parent", "folder:1"))
        assert not all(each.shape.dense for each in graph.columns)
        assert same(graph, asked, users)


def large_tuple(random: Random, type: str, relation: str, who: str) -> Relationship:
    """Make a tuple that the model takes; small numbers come often."""
    object, user = (min(random.randrange(150), random.randrange(600)) for _ in range(2))
    name, hash_mark, members = who.partition("#")
    named = name if name.endswith("*") else f"{name}:{user}"
    return Relationship(f"{type}:{object}", relation, f"{named}{hash_mark}{members}")


HOSTILE: Final = (
    "import('os').system('true')", "x\\", "'''", '"""', "a'b", "return", "None", "\u2028", "#", "[0]", "%s", "{0}",
    "\u0661", "class",
)  # fmt: skip


@pytest.mark.attack("Z1")
def test_no_name_of_a_model_becomes_code() -> None:
    """Names stand in comments as ASCII literals: one line each, and nothing outside them depends on a name."""
    for name in (each for each in HOSTILE if not set(each) & set(":#@* \u2028")):
        plan = plan_with(name)
        source = write_check(plan, plan.slots["document", name], plan.layout.kinds["user"], all_looks)
        plain = plan_with("viewer")
        expected = write_check(plain, plain.slots["document", "viewer"], plain.layout.kinds["user"], all_looks)
        assert source is not None
        assert expected is not None
        assert code_of(source.text) == code_of(expected.text)
        assert source.text.isascii()
        compile(source.text, "hostile", "exec")


def plan_with(name: str) -> Plan:
    """A model whose relation has a chosen name; not through the parser, which is stricter still."""
    relation = RelationDefinition(name, Direct((Restriction("user"), Restriction("user", wildcard=True))))
    return compile_model(AuthorizationModel("1.1", (TypeDefinition("user"), TypeDefinition("document", (relation,)))))


def all_looks(_: int) -> Look:
    """Every column is there."""
    return Look(Read.DICTIONARY, single=False, empty=False)


def code_of(text: str) -> list[str]:
    """Leave comments out."""
    return [line for line in text.splitlines() if not line.strip().startswith("#")]


@pytest.mark.attack("Z1")
def test_a_long_rule_is_not_compiled_but_answered() -> None:
    parts = " or ".join(f"r{number}" for number in range(200))
    relations = "".join(f"    define r{number}: [user]\n" for number in range(200))
    model = f"model\n  schema 1.1\ntype user\ntype doc\n  relations\n{relations}    define any: {parts}\n"
    graph = Graph(compile_model(read_model(model)))
    for number in range(200):
        graph.add(relationship(f"doc:1#r{number}@user:{number}"))
    slot = graph.plan.slots["doc", "any"]
    assert write_check(graph.plan, slot, graph.plan.layout.kinds["user"], all_looks) is None
    assert graph.quick("user:7", "any", "doc:1") is None


@pytest.mark.attack("K1")
def test_questions_do_not_make_the_engine_remember_more() -> None:
    graph = Graph(
        compile_model(read_model("model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define v: [user]\n"))
    )
    graph.add(relationship("doc:1#v@user:1"))
    for number in range(50):
        assert graph.quick("user:1", f"nonsense{number}", "doc:1") is None
        assert graph.quick(f"user:x{number}", "v", "doc:1") is None
    assert graph.quick("user:1", "v", "doc:1") is True
    assert graph.quick("doc:1", "v", "doc:1") is False
    assert len(graph.checks) == 2
