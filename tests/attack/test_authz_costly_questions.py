"""Z4, D1: questions over graphs made to be slow, asked of a server: each has so much time and no more."""

from __future__ import annotations

import time
from typing import Final

import pytest

from keystead.api.openfga import application
from keystead.api.openfga.service import Limits
from keystead.authz.decisions import Conditional
from keystead.authz.engine.allowance import Allowance, OutOfTime
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.plan import compile_model
from keystead.authz.language import read_model, to_json
from keystead.authz.names import relationship
from keystead.storage.memory import MemoryStore
from tests.openfga.asking import Asking, key
from tests.openfga.wires import asgi_wire

pytestmark = [pytest.mark.attack("Z4"), pytest.mark.attack("D1")]

MODEL: Final = """model
  schema 1.1
type user
type group
  relations
    define out: [user]
    define member: [user, group#member] but not out
type document
  relations
    define parent: [group]
    define far: member from parent
    define viewer: [user] and far
"""
GROUPS, DOCUMENTS = 300, 300
TUPLES: Final = [
    *(f"group:all#member@group:{number}#member" for number in range(GROUPS)),
    *(f"document:{number}#viewer@user:alice" for number in range(DOCUMENTS)),
    *(f"document:{number}#parent@group:all" for number in range(DOCUMENTS)),
]


class Steps:
    """A clock by which every look takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Many documents, each as far away as all groups together."""
    graph = Graph(compile_model(read_model(MODEL)))
    for text in TUPLES:
        assert graph.add(relationship(text))
    return graph


def test_a_question_ends_when_its_time_is_up(graph: Graph) -> None:
    evaluator = Evaluator(graph, spend=Allowance(3, Steps()).spend)
    decision = evaluator.explain("user:alice", "viewer", "document:1")
    assert isinstance(decision, Conditional)
    assert decision.reason == "authz.out_of_time"
    assert not evaluator.holds("user:alice", "viewer", "document:1")
    assert isinstance(evaluator.decide("user:alice", "viewer", "document:1"), Conditional)
    assert not Evaluator(graph).decide("user:alice", "viewer", "document:1")
    assert type(Evaluator(graph).decide("user:alice", "viewer", "document:1")) is not Conditional


def test_a_list_ends_when_its_time_is_up(graph: Graph) -> None:
    evaluator = Evaluator(graph, spend=Allowance(200, Steps()).spend)
    with pytest.raises(OutOfTime):
        list_objects(evaluator, "document", "viewer", "user:alice")
    with pytest.raises(OutOfTime):
        evaluator.list_users("group:all", "member", "user")
    assert list_objects(Evaluator(graph), "group", "member", "user:alice") == []


async def test_the_api_says_that_a_question_takes_too_long() -> None:
    api = Asking(asgi_wire(application(MemoryStore(), limits=Limits(seconds=0.001))))
    await api.set_up(to_json(read_model(MODEL)))
    for start in range(0, len(TUPLES), 100):
        await api.write(*TUPLES[start : start + 100])
    question = {"type": "document", "relation": "viewer", "user": "user:alice"}
    began = time.process_time()
    status, answer = await api.post("list-objects", question)
    assert time.process_time() - began < 1
    assert (status, answer["code"]) == (400, "authorization_model_resolution_too_complex")
    checks = [
        {"tuple_key": key("document:1#viewer@user:alice"), "correlation_id": str(number), "context": {"n": number}}
        for number in range(50)
    ]
    status, answer = await api.post("batch-check", {"checks": checks})
    assert status == 200
    assert {each["error"]["input_error"] for each in answer["result"].values()} == {
        "authorization_model_resolution_too_complex"
    }


def test_a_long_chain_of_relations_is_followed_once() -> None:
    relations = "".join(f"    define r{number}: r{number + 1}\n" for number in range(4_000))
    model = f"model\n  schema 1.1\ntype user\ntype document\n  relations\n{relations}    define r4000: [user]\n"
    graph = Graph(compile_model(read_model(model)))
    assert graph.add(relationship("document:1#r4000@user:alice"))
    began = time.process_time()
    assert Evaluator(graph).list_users("document:1", "r0", "user") == ["user:alice"]
    assert time.process_time() - began < 2
