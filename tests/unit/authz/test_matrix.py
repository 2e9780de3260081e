"""OpenFGA's own query matrix, whole, asked of the engine itself.

Checks are asked with their proof, without, and as a bare yes or no; each object or user that a list names is checked
too; the tests of one stage run a second time with all tuples contextual; the assertions of `check_matrix` are asked as
lists as well. What is an error code there is an exception or a conditional decision here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
import pytest

from keystead.authz.decisions import Conditional
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.overlay import overlaid
from keystead.authz.engine.plan import Plan, compile_model
from keystead.authz.errors import InvalidQuery, InvalidRelationship, Undecided
from keystead.authz.language import read_model
from keystead.authz.writes import accepted_tuples
from keystead.storage.ports import Relationship
from tests.vectors import load

Json = dict[str, Any]
T = TypeVar("T")

MATRIX: Final[Json] = load("fga/queries.json")
SUITES: Final[dict[str, list[Json]]] = MATRIX["suites"]
KINDS: Final[dict[type[Exception], frozenset[int]]] = {
    InvalidQuery: frozenset({2000, 2021, 2022}),
    InvalidRelationship: frozenset({2000, 2027}),
}
TOO_DEEP: Final = 2002
MOST_CONTEXTUAL: Final = 100
EXPECTED: Final = {"check": 1_591, "list_objects": 1_509, "list_users": 1_424}


@cache
def plan_of(key: str) -> Plan:
    """Compile a model of the matrix once."""
    document = MATRIX["models"][key]["json"]
    names = ("schema_version", "type_definitions", "conditions")
    return compile_model(read_model({name: document[name] for name in names if document.get(name)}))


def tuple_of(entry: Json) -> Relationship:
    """Read a tuple of the matrix."""
    condition = entry.get("condition") or {}
    context = msgspec.json.encode(condition["context"]).decode() if condition.get("context") else ""
    return Relationship(entry["object"], entry["relation"], entry["user"], condition.get("name", ""), context)


class Stage:
    """One stage: a model, the tuples so far, questions."""

    def __init__(self, stage: Json, stored: list[Relationship], contextual: list[Json]) -> None:
        self.plan = plan_of(stage["model"])
        self.contextual = contextual
        self.graph = Graph(self.plan)
        for each in stored:
            self.graph.add(each)

    def evaluator(self, assertion: Json) -> Evaluator:
        """Return what answers one assertion."""
        entries = [*self.contextual, *(assertion.get("contextualTuples") or [])]
        tuples = accepted_tuples(self.plan, map(tuple_of, entries))
        return Evaluator(overlaid(self.graph, tuples), context=assertion.get("context"), maximum_depth=25)

    def check(self, assertion: Json, user: str, relation: str, object: str) -> bool:
        """Ask in each of the three ways."""
        evaluator = self.evaluator(assertion)
        decision = evaluator.explain(user, relation, object)
        assert type(evaluator.decide(user, relation, object)) is type(decision)
        assert evaluator.holds(user, relation, object) is bool(decision)
        if isinstance(decision, Conditional):
            raise Undecided(decision)
        return bool(decision)

    def list_objects(self, assertion: Json, type: str, relation: str, user: str) -> list[str]:
        """List, and check each."""
        found = list_objects(self.evaluator(assertion), type, relation, user)
        assert all(self.check(assertion, user, relation, object) for object in found)
        return found

    def list_users(self, assertion: Json, object: str, relation: str, filter: str) -> list[str]:
        """List, and check each."""
        found = self.evaluator(assertion).list_users(object, relation, filter)
        assert all(self.check(assertion, user, relation, object) for user in found)
        return found


def answer_of(ask: Callable[[], T], code: int) -> T | None:
    """Return the answer, or None for the error that was expected."""
    if not code:
        return ask()
    with pytest.raises((Undecided, InvalidQuery, InvalidRelationship)) as raised:
        ask()
    if isinstance(raised.value, Undecided):
        assert code == (TOO_DEEP if raised.value.decision.reason == "authz.too_deep" else 2000), raised.value
    else:
        assert code in KINDS[raised.type], raised.value
    return None


def run_checks(stage: Stage, assertions: list[Json]) -> Iterator[str]:
    """Ask the checks, and what they imply for lists. Answer: the kinds of assertions that were made."""
    for each in assertions:
        user, relation, object = (each["tuple"][name] for name in ("user", "relation", "object"))
        code, expected = each.get("errorCode", 0), each["expectation"]
        allowed = answer_of(lambda: stage.check(each, user, relation, object), code)  # noqa: B023
        assert allowed in (None, expected), each
        yield "check"
        if not each.get("fanOut"):
            continue
        yield "list_objects"
        if not each.get("listObjectsAny"):
            type, code = object.partition(":")[0], int(each.get("listObjectsErrorCode") or code)
            objects = answer_of(lambda: stage.list_objects(each, type, relation, user), code)  # noqa: B023
            assert objects is None or (object in objects) is expected, each
        yield "list_users"
        who, _, userset = user.partition("#")
        filter = f"{who.partition(':')[0]}#{userset}" if userset else who.partition(":")[0]
        code = int(each.get("listUsersErrorCode") or each.get("errorCode") or 0)
        users = answer_of(lambda: stage.list_users(each, object, relation, filter), code)  # noqa: B023
        everybody = users is not None and any(name.endswith(":*") for name in users)
        assert users is None or (user in users) is expected or (expected and everybody), each


def run_lists(stage: Stage, objects: list[Json], users: list[Json]) -> Iterator[str]:
    """Ask the lists."""
    for each in objects:
        type, relation, user = (each["request"][name] for name in ("type", "relation", "user"))
        found = answer_of(lambda: stage.list_objects(each, type, relation, user), each.get("errorCode", 0))  # noqa: B023
        assert found in (None, sorted(each["expectation"])), each
        yield "list_objects"
    for each in users:
        object, relation, (filter,) = (each["request"][name] for name in ("object", "relation", "filters"))
        found = answer_of(lambda: stage.list_users(each, object, relation, filter), each.get("errorCode", 0))  # noqa: B023
        assert found in (None, sorted(each["expectation"])), each
        yield "list_users"


def run_test(test: Json, *, contextual: bool) -> Iterator[str]:
    """Run one test; its later stages read the tuples of the earlier ones under their own model."""
    stored: list[Relationship] = []
    for entry in test["stages"]:
        if contextual and len(entry["tuples"]) > MOST_CONTEXTUAL:
            continue
        tuples = accepted_tuples(plan_of(entry["model"]), map(tuple_of, entry["tuples"]))
        stored += () if contextual else tuples
        stage = Stage(entry, stored, entry["tuples"] if contextual else [])
        yield from run_checks(stage, entry["checkAssertions"])
        yield from run_lists(stage, entry["listObjectsAssertions"], entry["listUsersAssertions"])


@pytest.mark.attack("Z1")
@pytest.mark.parametrize("suite", SUITES)
def test_every_answer_is_openfgas(suite: str) -> None:
    for test in SUITES[suite]:
        assert list(run_test(test, contextual=False)), test["name"]


@pytest.mark.attack("Z1")
def test_contextual_tuples_count_like_stored_ones() -> None:
    for test in SUITES["yaml"]:
        if len(test["stages"]) == 1:
            assert list(run_test(test, contextual=True)) or len(test["stages"][0]["tuples"]) > MOST_CONTEXTUAL


def test_the_matrix_is_all_there() -> None:
    made = Counter(kind for tests in SUITES.values() for test in tests for kind in run_test(test, contextual=False))
    alone = [test for test in SUITES["yaml"] if len(test["stages"]) == 1]
    made.update(kind for test in alone for kind in run_test(test, contextual=True))
    assert made == EXPECTED
