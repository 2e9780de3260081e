"""OpenFGA's query matrix, asked over its HTTP API through any wire.

As OpenFGA's own harness does (`tests/check`, `tests/listobjects`, `tests/listusers`): one store per test, whose stages
share it; one model per stage; tuples written 40 at a time; every test of one stage and at most 100 tuples a second time
with its tuples contextual; every object and user listed must check; each assertion of `check_matrix` is asked as
list-objects and list-users too. Beside it, a stage's checks all at once through batch-check.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, NamedTuple

from tests.vectors import load

Json = dict[str, Any]
Ask = Callable[[str, str, "Json | None"], Awaitable[tuple[int, bytes]]]
"""Sends one request (method, path, body) and returns status and body."""

WHOLE: Final = 5_706
"""How many assertions there are."""
_CHUNK: Final = 40
_MOST_CONTEXTUAL: Final = 100
_BATCH: Final = 50
_CODES: Final = {
    2000: "validation_error",
    2002: "authorization_model_resolution_too_complex",
    2021: "type_not_found",
    2022: "relation_not_found",
    2027: "invalid_tuple",
}


class Wrong(AssertionError):
    """An answer is not OpenFGA's."""


class Run(NamedTuple):
    """One test of the matrix, once with its tuples stored, once with them contextual."""

    suite: str
    test: Json
    contextual: bool

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.suite}/{self.test['name']}{'_contextual' if self.contextual else ''}"


class Matrix:
    """The data."""

    def __init__(self) -> None:
        data = load("fga/queries.json")
        self.models: dict[str, Json] = data["models"]
        self.suites: dict[str, list[Json]] = data["suites"]

    def runs(self) -> Iterator[Run]:
        """Yield every run."""
        for suite, tests in self.suites.items():
            for test in tests:
                yield Run(suite, test, contextual=False)
                if suite == "yaml" and len(test["stages"]) == 1:
                    yield Run(suite, test, contextual=True)


def body_of(document: Json) -> bytes:
    """Write JSON; a number beyond every double as a number, not as the word `Infinity`."""
    text = json.dumps(document, ensure_ascii=False)
    return text.replace("-Infinity", "-1.7976931348623157e+309").replace("Infinity", "1.7976931348623157e+309").encode()


class Runner:
    """Runs tests and gathers what went wrong."""

    def __init__(self, ask: Ask, matrix: Matrix, seed: int = 1) -> None:
        self._ask = ask
        self._matrix = matrix
        self._random = random.Random(seed)
        self.passed: Counter[str] = Counter()
        self.failures: list[str] = []

    async def run(self, run: Run) -> None:
        """Run one test in a store of its own."""
        store = (await self._ok("POST", "/stores", {"name": "matrix"}))["id"]
        for number, stage in enumerate(run.test["stages"]):
            if not run.contextual or len(stage["tuples"]) <= _MOST_CONTEXTUAL:
                await _Stage(self, f"{run.name}/{number}", store, stage, run.contextual).run()
        await self._ask("DELETE", f"/stores/{store}", None)

    async def record(self, kind: str, where: str, answer: Awaitable[None]) -> None:
        """Note whether an assertion holds."""
        try:
            await answer
            self.passed[kind] += 1
        except Wrong as wrong:
            self.failures.append(f"[{kind}] {where}: {wrong}")

    def shuffled(self, tuples: list[Json]) -> list[Json]:
        """Return tuples in an order that means nothing."""
        return self._random.sample(tuples, len(tuples))

    def model(self, key: str) -> Json:
        """Return a model as it is sent."""
        document = self._matrix.models[key]["json"]
        sent = {name: document[name] for name in ("schema_version", "type_definitions")}
        return sent | ({"conditions": document["conditions"]} if document.get("conditions") else {})

    async def ask(self, method: str, path: str, document: Json | None = None) -> tuple[int, Json]:
        """Send a request and read its answer."""
        status, body = await self._ask(method, path, document)
        return status, json.loads(body) if body else {}

    async def lines(self, path: str, document: Json) -> tuple[int, list[Json]]:
        """Send a request and read its lines."""
        status, body = await self._ask("POST", path, document)
        return status, [json.loads(line) for line in body.splitlines() if line.strip()]

    async def _ok(self, method: str, path: str, document: Json) -> Json:
        status, answer = await self.ask(method, path, document)
        if status >= 300:
            raise Wrong(f"{method} {path}: {status} {answer}")
        return answer

    async def ok(self, path: str, document: Json) -> Json:
        """Send a request that must succeed."""
        return await self._ok("POST", path, document)


class _Stage:
    """One stage: its model, its tuples, its assertions."""

    def __init__(self, runner: Runner, where: str, store: str, stage: Json, contextual: bool) -> None:
        self._runner = runner
        self._where = where
        self._path = f"/stores/{store}"
        self._stage = stage
        self._everywhere: list[Json] = stage["tuples"] if contextual else []
        self._stored: list[Json] = [] if contextual else stage["tuples"]
        self._model = ""

    async def run(self) -> None:
        """Write what the stage needs, then ask everything."""
        runner = self._runner
        answer = await runner.ok(f"{self._path}/authorization-models", runner.model(self._stage["model"]))
        self._model = answer["authorization_model_id"]
        tuples = runner.shuffled(self._stored)
        for start in range(0, len(tuples), _CHUNK):
            writes = {"tuple_keys": tuples[start : start + _CHUNK]}
            await runner.ok(f"{self._path}/write", {"authorization_model_id": self._model, "writes": writes})
        for number, assertion in enumerate(self._stage["checkAssertions"]):
            await self._checks(f"{self._where}/check_{number}", assertion)
        await self._batches()
        for number, assertion in enumerate(self._stage["listObjectsAssertions"]):
            where = f"{self._where}/list_objects_{number}"
            await runner.record("list_objects", where, self._objects(assertion))
            await runner.record("streamed", where, self._streamed(assertion))
        for number, assertion in enumerate(self._stage["listUsersAssertions"]):
            await runner.record("list_users", f"{self._where}/list_users_{number}", self._users(assertion))

    async def _checks(self, where: str, assertion: Json) -> None:
        await self._runner.record("check", where, self._check(assertion))
        if assertion.get("fanOut"):
            await self._runner.record("list_objects", where, self._listed_object(assertion))
            await self._runner.record("list_users", where, self._listed_user(assertion))

    async def _check(self, assertion: Json) -> None:
        body = self._body(assertion)
        if assertion.get("tuple") is not None:
            body["tuple_key"] = _key(assertion["tuple"])
        status, answer = await self._runner.ask("POST", f"{self._path}/check", body)
        if (
            not _is_error(status, answer, assertion.get("errorCode"))
            and answer["allowed"] is not assertion["expectation"]
        ):
            raise Wrong(f"allowed is {answer['allowed']}")

    async def _batches(self) -> None:
        fit = [each for each in self._stage["checkAssertions"] if _fits_a_batch(each)]
        if fit:
            await self._runner.record("batch", self._where, self._batch(fit))

    async def _batch(self, assertions: list[Json]) -> None:
        for start in range(0, len(assertions), _BATCH):
            part = assertions[start : start + _BATCH]
            checks = []
            for number, assertion in enumerate(part):
                item = self._body(assertion) | {"tuple_key": _key(assertion["tuple"]), "correlation_id": f"c{number}"}
                del item["authorization_model_id"]
                checks.append(item)
            answer = await self._runner.ok(
                f"{self._path}/batch-check", {"authorization_model_id": self._model, "checks": checks}
            )
            for number, assertion in enumerate(part):
                result, code = answer["result"][f"c{number}"], assertion.get("errorCode")
                wanted = _CODES[code] if code else assertion["expectation"]
                got = result.get("error", {}).get("input_error") if code else result.get("allowed")
                if got != wanted:
                    raise Wrong(f"{assertion['tuple']}: {result}")

    async def _objects(self, assertion: Json) -> None:
        asked = assertion["request"]
        status, answer = await self._runner.ask("POST", f"{self._path}/list-objects", self._listing(assertion))
        if _is_error(status, answer, assertion.get("errorCode")):
            return
        _require_same(answer["objects"], assertion["expectation"])
        for object in answer["objects"]:
            await self._must_hold(assertion, {"user": asked["user"], "relation": asked["relation"], "object": object})

    async def _streamed(self, assertion: Json) -> None:
        body = self._listing(assertion)
        status, lines = await self._runner.lines(f"{self._path}/streamed-list-objects", body)
        if not _is_error(status, lines[0] if lines else {}, assertion.get("errorCode")):
            _require_same([line["result"]["object"] for line in lines], assertion["expectation"])

    async def _users(self, assertion: Json) -> None:
        asked = assertion["request"]
        filters = [_filter(text) for text in asked["filters"]]
        status, answer = await self._list_users(assertion, asked["object"], asked["relation"], filters)
        if _is_error(status, answer, assertion.get("errorCode")):
            return
        users = [_name(user) for user in answer["users"]]
        _require_same(users, assertion["expectation"])
        for user in users:
            await self._must_hold(assertion, {"user": user, "relation": asked["relation"], "object": asked["object"]})

    async def _listed_object(self, assertion: Json) -> None:
        asked = assertion["tuple"]
        type = asked["object"].partition(":")[0]
        body = self._body(assertion) | {"user": asked["user"], "relation": asked["relation"], "type": type}
        status, answer = await self._runner.ask("POST", f"{self._path}/list-objects", body)
        code = assertion.get("listObjectsErrorCode")
        if not code and not assertion.get("listObjectsAny"):
            code = assertion.get("errorCode")
        if _is_error(status, answer, code) or assertion.get("listObjectsAny"):
            return
        if (asked["object"] in answer["objects"]) is not assertion["expectation"]:
            raise Wrong(f"{asked['object']} in {answer['objects']}")

    async def _listed_user(self, assertion: Json) -> None:
        asked = assertion["tuple"]
        object, _, relation = asked["user"].partition("#")
        wanted = _filter(f"{object.partition(':')[0]}{'#' if relation else ''}{relation}")
        status, answer = await self._list_users(assertion, asked["object"], asked["relation"], [wanted])
        if _is_error(status, answer, assertion.get("listUsersErrorCode") or assertion.get("errorCode")):
            return
        users = [_name(user) for user in answer["users"]]
        if assertion["expectation"] and any(user.endswith(":*") for user in users):
            return
        if (asked["user"] in users) is not assertion["expectation"]:
            raise Wrong(f"{asked['user']} in {users}")

    async def _must_hold(self, assertion: Json, key: Json) -> None:
        status, answer = await self._runner.ask(
            "POST", f"{self._path}/check", self._body(assertion) | {"tuple_key": key}
        )
        if status != 200 or answer["allowed"] is not True:
            raise Wrong(f"listed, but the check of {key} says {status} {answer}")

    async def _list_users(self, assertion: Json, object: str, relation: str, filters: list[Json]) -> tuple[int, Json]:
        type, _, id = object.partition(":")
        body = self._body(assertion) | {"object": {"type": type, "id": id}, "relation": relation}
        body |= {"user_filters": filters}
        if "contextual_tuples" in body:
            body["contextual_tuples"] = body["contextual_tuples"]["tuple_keys"]
        return await self._runner.ask("POST", f"{self._path}/list-users", body)

    def _listing(self, assertion: Json) -> Json:
        asked = assertion["request"]
        return self._body(assertion) | {name: asked[name] for name in ("user", "type", "relation") if name in asked}

    def _body(self, assertion: Json) -> Json:
        body: Json = {"authorization_model_id": self._model}
        tuples = self._runner.shuffled(assertion.get("contextualTuples", [])) + self._everywhere
        if tuples:
            body["contextual_tuples"] = {"tuple_keys": tuples}
        if assertion.get("context") is not None:
            body["context"] = assertion["context"]
        return body


def _key(tuple: Json) -> Json:
    return {name: tuple[name] for name in ("user", "relation", "object") if name in tuple}


def _fits_a_batch(assertion: Json) -> bool:
    """Tell whether an assertion can stand in a batch: one error of form would refuse the whole of it."""
    plain = assertion.get("tuple") and not assertion.get("contextualTuples") and not _has_infinity(assertion)
    return bool(plain) and assertion.get("errorCode", 2000) == 2000


def _has_infinity(value: Any) -> bool:
    if isinstance(value, float):
        return math.isinf(value)
    if isinstance(value, dict):
        return any(map(_has_infinity, value.values()))
    return isinstance(value, list) and any(map(_has_infinity, value))


def _is_error(status: int, answer: Json, code: int | None) -> bool:
    """Tell whether the answer is the error that was expected. Raises: Wrong when it is something else."""
    if code:
        if status != 400 or answer.get("code") != _CODES[code]:
            raise Wrong(f"expected {_CODES[code]}, got {status} {answer}")
        return True
    if status != 200:
        raise Wrong(f"{status} {answer}")
    return False


def _require_same(got: list[str], expected: list[str]) -> None:
    if sorted(got) != sorted(expected):
        raise Wrong(f"expected {sorted(expected)}, got {sorted(got)}")


def _filter(text: str) -> Json:
    type, _, relation = text.partition("#")
    return {"type": type, "relation": relation} if relation else {"type": type}


def _name(user: Json) -> str:
    ((kind, what),) = user.items()
    if kind == "wildcard":
        return f"{what['type']}:*"
    return f"{what['type']}:{what['id']}" + (f"#{what['relation']}" if kind == "userset" else "")
