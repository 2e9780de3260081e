"""OpenFGA's own query matrix, as far as it uses neither conditions nor contextual tuples, through the embedded engine.

608 assertions: 354 checks, each asked with and without its proof, and 254 list-objects, each of whose objects is
checked too. One answer differs on purpose: a chain of 27 relations is an error there
(at most 25) and a yes here, with its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from keystead.authz import AuthorizationEngine, InvalidQuery, open
from keystead.storage.ports import Relationship
from tests.vectors import load

MATRIX: Final[dict[str, Any]] = load("fga/matrix.json")
TESTS: Final = MATRIX["suites"]["yaml"]
TOO_COMPLEX: Final = 2002
CHECKS: Final = 354
LISTS: Final = 254


def checks_of(stage: dict[str, Any]) -> Iterator[tuple[tuple[str, str, str], dict[str, Any]]]:
    """Walk the check assertions that can be asked today."""
    for assertion in stage["checkAssertions"]:
        if not assertion.get("contextualTuples"):
            asked = assertion["tuple"]
            yield (asked["user"], asked["relation"], asked["object"]), assertion


def lists_of(stage: dict[str, Any]) -> Iterator[tuple[tuple[str, str, str], dict[str, Any]]]:
    """Walk the list-objects assertions that can be asked today."""
    for assertion in stage["listObjectsAssertions"]:
        if not assertion.get("contextualTuples"):
            asked = assertion["request"]
            yield (asked["type"], asked["relation"], asked["user"]), assertion


@pytest.mark.attack("Z1")
@pytest.mark.parametrize("test", [pytest.param(test, id=test["name"]) for test in TESTS])
async def test_every_answer_is_openfgas(test: dict[str, Any], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/tuples.db" if len(test["stages"]) > 1 else "memory://"
    for stage in test["stages"]:  # the later models of a test read the tuples of the earlier ones
        async with open(url, model=MATRIX["models"][stage["model"]]) as engine:
            if stage["tuples"]:
                await engine.write(
                    [Relationship(each["object"], each["relation"], each["user"]) for each in stage["tuples"]]
                )
            await run_checks(engine, stage)
            await run_lists(engine, stage)


async def run_checks(engine: AuthorizationEngine, stage: dict[str, Any]) -> None:
    """Ask every check twice: with a proof and without."""
    for question, assertion in checks_of(stage):
        if assertion.get("errorCode", TOO_COMPLEX) != TOO_COMPLEX:
            with pytest.raises(InvalidQuery):
                await engine.check(*question)
            continue
        expected = assertion["expectation"] or assertion.get("errorCode") == TOO_COMPLEX
        decision = await engine.check(*question)
        assert bool(decision) is expected, (question, str(decision))
        assert bool((await engine.check_many([question]))[0]) is expected, question


async def run_lists(engine: AuthorizationEngine, stage: dict[str, Any]) -> None:
    """Ask every list, and check every object it names."""
    for (type, relation, user), assertion in lists_of(stage):
        if assertion.get("errorCode"):
            with pytest.raises(InvalidQuery):
                await engine.list_objects(type, relation, user)
            continue
        found = await engine.list_objects(type, relation, user)
        assert found == sorted(assertion["expectation"]), (type, relation, user)
        for object in found:
            assert await engine.check(user, relation, object)


def test_the_matrix_is_all_there() -> None:
    stages = [stage for test in TESTS for stage in test["stages"]]
    assert sum(1 for stage in stages for _ in checks_of(stage)) == CHECKS
    assert sum(1 for stage in stages for _ in lists_of(stage)) == LISTS
