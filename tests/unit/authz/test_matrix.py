"""OpenFGA's own query matrix, as far as it uses no conditions, through the embedded engine.

630 assertions: 360 checks, each asked with and without its proof, and 270 list-objects, each of whose objects is
checked too; the tests of one stage run a second time with all tuples contextual, as OpenFGA runs them. One answer
differs on purpose: a chain of 27 relations is an error there (at most 25) and a yes here, with its path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from keystead.authz import AuthorizationEngine, InvalidQuery, InvalidRelationship, open
from keystead.storage.ports import Relationship
from tests.vectors import load

MATRIX: Final[dict[str, Any]] = load("fga/matrix.json")
TESTS: Final = MATRIX["suites"]["yaml"]
TOO_COMPLEX: Final = 2002
INVALID_TUPLE: Final = 2027
CHECKS: Final = 360
LISTS: Final = 270


def tuples_of(entries: list[dict[str, str]]) -> list[Relationship]:
    """Read tuples of the matrix."""
    return [Relationship(each["object"], each["relation"], each["user"]) for each in entries]


def error_of(assertion: dict[str, Any]) -> type[Exception] | None:
    """Return what must be raised, if anything."""
    code = assertion.get("errorCode", TOO_COMPLEX)
    return None if code == TOO_COMPLEX else InvalidRelationship if code == INVALID_TUPLE else InvalidQuery


@pytest.mark.attack("Z1")
@pytest.mark.parametrize("test", [pytest.param(test, id=test["name"]) for test in TESTS])
async def test_every_answer_is_openfgas(test: dict[str, Any], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/tuples.db" if len(test["stages"]) > 1 else "memory://"
    for stage in test["stages"]:  # the later models of a test read the tuples of the earlier ones
        async with open(url, model=MATRIX["models"][stage["model"]]) as engine:
            await engine.write(tuples_of(stage["tuples"]))
            await run_checks(engine, stage, [])
            await run_lists(engine, stage, [])


@pytest.mark.attack("Z1")
@pytest.mark.parametrize("test", [pytest.param(test, id=test["name"]) for test in TESTS if len(test["stages"]) == 1])
async def test_contextual_tuples_count_like_stored_ones(test: dict[str, Any]) -> None:
    (stage,) = test["stages"]
    async with open("memory://", model=MATRIX["models"][stage["model"]]) as engine:
        await run_checks(engine, stage, tuples_of(stage["tuples"]))
        await run_lists(engine, stage, tuples_of(stage["tuples"]))
        assert await engine.read() == []


async def run_checks(engine: AuthorizationEngine, stage: dict[str, Any], everywhere: list[Relationship]) -> None:
    """Ask every check twice: with a proof and without."""
    for assertion in stage["checkAssertions"]:
        question = (assertion["tuple"]["user"], assertion["tuple"]["relation"], assertion["tuple"]["object"])
        tuples = everywhere + tuples_of(assertion.get("contextualTuples") or [])
        error = error_of(assertion)
        if error:
            with pytest.raises(error):
                await engine.check(*question, tuples=tuples)
            continue
        expected = assertion["expectation"] or assertion.get("errorCode") == TOO_COMPLEX
        decision = await engine.check(*question, tuples=tuples)
        assert bool(decision) is expected, (question, str(decision))
        assert bool((await engine.check_many([question], tuples=tuples))[0]) is expected, question


async def run_lists(engine: AuthorizationEngine, stage: dict[str, Any], everywhere: list[Relationship]) -> None:
    """Ask every list, and check every object it names."""
    for assertion in stage["listObjectsAssertions"]:
        asked = assertion["request"]
        question = (asked["type"], asked["relation"], asked["user"])
        tuples = everywhere + tuples_of(assertion.get("contextualTuples") or [])
        error = error_of(assertion)
        if error:
            with pytest.raises(error):
                await engine.list_objects(*question, tuples=tuples)
            continue
        found = await engine.list_objects(*question, tuples=tuples)
        assert found == sorted(assertion["expectation"]), question
        for object in found:
            assert await engine.check(asked["user"], asked["relation"], object, tuples=tuples)


def test_the_matrix_is_all_there() -> None:
    stages = [stage for test in TESTS for stage in test["stages"]]
    assert sum(len(stage["checkAssertions"]) for stage in stages) == CHECKS
    assert sum(len(stage["listObjectsAssertions"]) for stage in stages) == LISTS
