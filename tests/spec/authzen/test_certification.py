"""The certification scenario of AuthZEN's Authorization API 1.0: its fixture, its requests, what it wants back.

From certification/authorization-api-1_0-scenario.md of openid/authzen; the ids are its section numbers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.outcomes import VerifiedToken
from keystead.storage.ports import Relationship
from tests.decision_point import DecisionPoint, entity, open_decision_point, question, without
from tests.issuer import BASE, Issuer

MODEL = """
model
  schema 1.1

type user

type record
  relations
    define read: [user, user:*]
    define admin: [user with as_admin]
    define write: [user, user with while_status] or admin
    define delete: [user with softly]

condition as_admin(subject_role: string) {
  subject_role == "admin"
}

condition while_status(resource_status: string, wanted: string) {
  resource_status == wanted
}

condition softly(action_soft: bool) {
  action_soft
}
"""
TUPLES = (
    "record:record-1#read@user:alice",
    "record:record-1#read@user:bob",
    "record:record-1#write@user:alice",
    Relationship("record:record-2", "write", "user:alice", "while_status", '{"wanted":"active"}'),
    Relationship("record:record-2", "write", "user:bob", "while_status", '{"wanted":"archived"}'),
    Relationship("record:record-2", "admin", "user:bob", "as_admin"),
    Relationship("record:record-1", "delete", "user:alice", "softly"),
)
CONTEXT = {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}
READ = question("user:alice", "read", "record:record-1")
ARCHIVED = entity("record:record-2", status="archived")
ADMIN = entity("user:bob", role="admin")
ALICE_MAY_WRITE = question("user:alice", "write", "record:record-1")

ALICE, BOB = entity("user:alice"), entity("user:bob")
ONE, TWO = entity("record:record-1"), entity("record:record-2")
DO_READ, DO_WRITE = {"name": "read"}, {"name": "write"}

pytestmark = pytest.mark.spec("AuthZEN Authorization API 1.0 section 10")


@pytest.fixture
async def point(issuer: Issuer) -> AsyncIterator[DecisionPoint]:
    """The decision point under test."""
    made = await open_decision_point(issuer, MODEL, TUPLES)
    yield made
    await made.http.aclose()


@pytest.mark.parametrize(
    ("asked", "decision"),
    [
        pytest.param(READ, True, id="2.2.1"),
        pytest.param(question("user:bob", "write", "record:record-1"), False, id="2.2.2"),
        pytest.param({**READ, "context": CONTEXT}, True, id="2.2.3"),
        pytest.param({**ALICE_MAY_WRITE, "resource": ARCHIVED}, False, id="2.2.4"),
        pytest.param({**ALICE_MAY_WRITE, "subject": ADMIN, "resource": ARCHIVED}, True, id="2.2.5"),
        pytest.param(
            {
                **question("user:alice", "", "record:record-1"),
                "action": {"name": "delete", "properties": {"soft": True}},
            },
            True,
            id="2.2.6",
        ),
        pytest.param(
            {
                **question("user:alice", "", "record:record-1"),
                "action": {"name": "delete", "properties": {"soft": False}},
            },
            False,
            id="2.2.7",
        ),
        pytest.param(
            {
                "subject": entity("user:alice", department="Sales", role="manager"),
                "action": {"name": "read", "properties": {"method": "GET"}},
                "resource": entity("record:record-1", status="active", owner="bob"),
            },
            True,
            id="2.2.8",
        ),
        pytest.param({**READ, "foo": "bar", "futureField": {"nested": True}}, True, id="2.2.9"),
        pytest.param(ALICE_MAY_WRITE, True, id="rule 2"),
        pytest.param(question("user:bob", "read", "record:record-1"), True, id="rule 3"),
        pytest.param({**ALICE_MAY_WRITE, "subject": ADMIN, "resource": TWO}, True, id="by subject alone"),
    ],
)
@pytest.mark.spec("AuthZEN Authorization API 1.0 section 6")
async def test_basic(point: DecisionPoint, asked: dict[str, Any], decision: bool) -> None:
    for _ in range(2):
        answer = await point.ask("evaluation", asked)
        assert answer["decision"] is decision
        assert isinstance(answer.get("context", {}), dict)


@pytest.mark.parametrize(
    "body",
    [
        *(
            pytest.param(without(READ, place), id=f"2.4 without {place}")
            for place in (
                *("subject", "action", "resource"),
                *("subject.type", "subject.id", "action.name", "resource.type", "resource.id"),
            )
        ),
        pytest.param("{", id="2.4.4 malformed"),
        pytest.param("", id="2.4.5 empty"),
        pytest.param({**READ, "subject": "alice"}, id="2.4.6 subject"),
        pytest.param({**READ, "action": {"name": 123}}, id="2.4.6 action"),
        pytest.param([READ], id="not an object"),
        pytest.param('{"subject": {"type": "user", "id": "bob", "id": "alice"}}', id="a member twice"),
    ],
)
async def test_basic_errors(point: DecisionPoint, body: Any) -> None:
    reply = await point.send("evaluation", body)
    assert reply.status_code == 400
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
async def test_another_content_type_is_a_bad_request(point: DecisionPoint, content_type: str) -> None:
    assert (await point.send("evaluation", READ, content_type=content_type)).status_code == 400
    accepted = await point.send("evaluation", READ, content_type="application/json; charset=UTF-8")
    assert accepted.status_code == 200


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 10.1.3")
async def test_the_name_of_a_request_comes_back(point: DecisionPoint) -> None:
    for body, path in ((READ, "evaluation"), ("{", "evaluation"), (READ, "evaluations")):
        reply = await point.send(path, body, x_request_id="bfe9eb29/ab87 4ca3")
        assert reply.headers.get_list("x-request-id") == ["bfe9eb29/ab87 4ca3"]
    refused = await point.send("evaluation", READ, x_request_id="mine", authorization="")
    assert (refused.status_code, refused.headers["x-request-id"]) == (401, "mine")
    assert (await point.send("evaluation", READ)).status_code == 200


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 5.4")
async def test_the_context_gives_parameters_and_goes_before_properties(point: DecisionPoint) -> None:
    asked = question("user:alice", "delete", "record:record-1")
    assert (await point.ask("evaluation", asked))["decision"] is False
    assert (await point.ask("evaluation", {**asked, "context": {"action_soft": True}}))["decision"] is True
    hard = {**asked, "action": {"name": "delete", "properties": {"soft": False}}}
    assert (await point.ask("evaluation", {**hard, "context": {"action_soft": True}}))["decision"] is True
    soft = {**asked, "action": {"name": "delete", "properties": {"soft": True}}}
    batch = several({}, {"context": {"action_soft": False}}, {"context": {}}, **soft, context={"action_soft": True})
    assert decisions(await point.ask("evaluations", batch)) == [True, False, True]


def decisions(answer: dict[str, Any]) -> list[bool]:
    """Return the decisions of a batch."""
    assert set(answer) == {"evaluations"}
    return [one["decision"] for one in answer["evaluations"]]


def several(*items: Any, **defaults: Any) -> dict[str, Any]:
    """Return a batch."""
    return {**defaults, "evaluations": list(items)}


@pytest.mark.parametrize(
    ("asked", "decided"),
    [
        pytest.param(
            several({"resource": ONE}, {"resource": TWO}, subject=ALICE, action=DO_READ), [True, False], id="3.2.1"
        ),
        pytest.param(
            several({"action": DO_READ}, {"action": DO_WRITE}, subject=BOB, resource=ONE), [True, False], id="3.2.2"
        ),
        pytest.param(
            several(
                {"resource": entity("record:record-1", status="active")},
                {"resource": ARCHIVED},
                subject=ALICE,
                action=DO_WRITE,
            ),
            [True, False],
            id="3.2.3",
        ),
        pytest.param(
            several({"subject": ALICE}, {"subject": ADMIN}, action=DO_WRITE, resource=ARCHIVED),
            [False, True],
            id="3.2.4",
        ),
        pytest.param(several(READ, question("user:bob", "write", "record:record-1")), [True, False], id="3.2.5"),
        pytest.param(
            several(
                {"resource": ONE},
                {"resource": TWO, "context": {"time": "2025-06-27T19:00-07:00", "source": "batch-override"}},
                subject=ALICE,
                action=DO_READ,
                context={"time": "2025-06-27T18:03-07:00"},
            ),
            [True, False],
            id="3.2.6",
        ),
        pytest.param(
            several(
                {},
                {"resource": ARCHIVED},
                subject=ALICE,
                action=DO_WRITE,
                resource=entity("record:record-1", status="active"),
            ),
            [True, False],
            id="3.2.7",
        ),
        pytest.param(
            several(
                {"resource": ONE},
                {},
                {"resource": {"type": "record"}},
                {"resource": "record-1"},
                7,
                subject=ALICE,
                action=DO_READ,
                options={"evaluations_semantic": "execute_all"},
            ),
            [True, False, False, False, False],
            id="3.4.1",
        ),
    ],
)
@pytest.mark.spec("AuthZEN Authorization API 1.0 section 7")
async def test_batch(point: DecisionPoint, asked: dict[str, Any], decided: list[bool]) -> None:
    assert decisions(await point.ask("evaluations", asked)) == decided


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 7.1")
async def test_a_batch_of_nothing_is_one_evaluation(point: DecisionPoint) -> None:
    assert await point.ask("evaluations", READ) == {"decision": True}
    assert await point.ask("evaluations", {**READ, "evaluations": []}) == {"decision": True}
    assert (await point.send("evaluations", without(READ, "subject"))).status_code == 400


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 7.1.2")
@pytest.mark.parametrize(
    ("semantic", "decided"),
    [
        ("execute_all", [True, False, True, False]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
async def test_the_semantics_of_a_batch(point: DecisionPoint, semantic: str, decided: list[bool]) -> None:
    asked = several(
        *({"resource": ONE}, {"resource": TWO}, {"resource": ONE}, {}),
        subject=ALICE,
        action=DO_READ,
        options={"evaluations_semantic": semantic, "another_option": "value"},
    )
    assert decisions(await point.ask("evaluations", asked)) == decided


async def test_a_failure_counts_as_a_denial(point: DecisionPoint) -> None:
    asked = several({}, READ, options={"evaluations_semantic": "deny_on_first_deny"})
    assert decisions(await point.ask("evaluations", asked)) == [False]


@pytest.mark.parametrize(
    "asked",
    [
        several(READ, options={"evaluations_semantic": "first_wins"}),
        several(READ, subject="alice"),
        {**READ, "evaluations": {"resource": ONE}},
        several(*[READ] * 1_001),
    ],
    ids=["semantic", "default", "no list", "too many"],
)
async def test_a_batch_that_is_wrong_as_a_whole(point: DecisionPoint, asked: dict[str, Any]) -> None:
    assert (await point.send("evaluations", asked)).status_code == 400


SUBJECTS = {"subject": {"type": "user"}, "action": DO_READ, "resource": ONE}
RESOURCES = {"subject": ALICE, "action": DO_READ, "resource": {"type": "record"}}
ACTIONS = {"subject": ALICE, "resource": ONE}


@pytest.mark.parametrize(
    ("path", "asked", "found"),
    [
        pytest.param("subject", SUBJECTS, ["alice", "bob"], id="4.2.1"),
        pytest.param("subject", {**SUBJECTS, "context": CONTEXT}, ["alice", "bob"], id="4.2.2"),
        pytest.param("subject", {**SUBJECTS, "subject": ALICE}, ["alice", "bob"], id="4.2.3"),
        pytest.param("subject", {**SUBJECTS, "action": DO_WRITE, "resource": ARCHIVED}, ["bob"], id="4.2.4"),
        pytest.param("resource", RESOURCES, ["record-1"], id="4.3.1"),
        pytest.param("resource", {**RESOURCES, "context": CONTEXT}, ["record-1"], id="4.3.2"),
        pytest.param("resource", {**RESOURCES, "resource": ONE}, ["record-1"], id="4.3.3"),
        pytest.param(
            "resource",
            {**RESOURCES, "subject": ADMIN, "action": DO_WRITE},
            ["record-2"],
            id="4.3.4",
        ),
        pytest.param("action", ACTIONS, ["read", "write"], id="4.4.1"),
        pytest.param("action", {**ACTIONS, "context": CONTEXT}, ["read", "write"], id="4.4.2"),
        pytest.param("action", {"subject": ADMIN, "resource": ARCHIVED}, ["admin", "write"], id="4.4.3"),
        pytest.param("action", {**ACTIONS, "subject": entity("user:nobody")}, [], id="4.6.1 action"),
        pytest.param("resource", {**RESOURCES, "subject": entity("user:nobody")}, [], id="4.6.1 resource"),
        pytest.param("subject", {**SUBJECTS, "resource": entity("record:none")}, [], id="4.6.1 subject"),
        pytest.param("subject", {**SUBJECTS, "subject": {"type": "spaceship"}}, [], id="4.6.2 subject"),
        pytest.param("resource", {**RESOURCES, "resource": {"type": "spaceship"}}, [], id="4.6.2 resource"),
        pytest.param("action", {**ACTIONS, "resource": entity("spaceship:1")}, [], id="4.6.2 action"),
        pytest.param("subject", {**SUBJECTS, "action": {"name": "fly"}}, [], id="unknown action"),
        pytest.param("subject", {**SUBJECTS, "subject": {"type": "user", "id": 7}}, ["alice", "bob"], id="odd id"),
    ],
)
@pytest.mark.spec("AuthZEN Authorization API 1.0 section 8")
async def test_search(point: DecisionPoint, path: str, asked: dict[str, Any], found: list[str]) -> None:
    answer = await point.ask(f"search/{path}", asked)
    results = answer["results"]
    assert [one.get("name", one.get("id")) for one in results] == found
    if path != "action":
        assert {one["type"] for one in results} <= {asked[path]["type"]}
    assert answer["page"] == {"next_token": "", "count": len(found)}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        *(("subject", without(SUBJECTS, place)) for place in ("subject", "action", "resource", "subject.type")),
        *(("resource", without(RESOURCES, place)) for place in ("subject", "action", "resource", "subject.id")),
        *(("action", without(ACTIONS, place)) for place in ("subject", "resource", "subject.id", "resource.id")),
        ("subject", RESOURCES | {"subject": {"type": "user"}}),
        ("resource", SUBJECTS),
    ],
    ids=range(14),
)
@pytest.mark.spec("AuthZEN Authorization API 1.0 section 8")
async def test_search_errors(point: DecisionPoint, path: str, asked: dict[str, Any]) -> None:
    assert (await point.send(f"search/{path}", asked)).status_code == 400


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 8.1")
async def test_what_hangs_on_a_missing_property_is_not_found(point: DecisionPoint) -> None:
    asked = {**RESOURCES, "action": DO_WRITE}
    assert [one["id"] for one in (await point.ask("search/resource", asked))["results"]] == ["record-1"]
    asked = {**SUBJECTS, "action": DO_WRITE, "resource": TWO}
    assert (await point.ask("search/subject", asked))["results"] == []
    answer = await point.ask("evaluation", {**ALICE_MAY_WRITE, "resource": TWO})
    assert answer == {
        "decision": False,
        "context": {"reason": "authz.condition_missing", "missing": ["resource_status"]},
    }


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 8.4")
async def test_where_everybody_may_all_who_are_known_are_found(point: DecisionPoint) -> None:
    await point.write("record:record-4#read@user:*")
    answer = await point.ask("search/subject", {**SUBJECTS, "resource": entity("record:record-4")})
    found = [one["id"] for one in answer["results"]]
    assert found == ["*", "alice", "bob"]
    for id in (*found, "stranger-to-every-tuple"):
        assert await point.ask("evaluation", question(f"user:{id}", "read", "record:record-4")) == {"decision": True}
    assert (await point.ask("evaluation", question("user:*", "read", "record:record-1")))["decision"] is False


@pytest.mark.attack("AUTHZ-SUBJECT")
@pytest.mark.parametrize(
    "asked",
    [
        question("user:x", "read", "record:record-1", subject={"type": "user:alice", "id": "x"}),
        question("user:x", "read", "record:record-1", subject={"type": "user", "id": "x:alice"}),
        question("user:x", "read", "record:record-1", subject={"type": "record", "id": "record-1#read"}),
        question("user:alice", "read", "record:x", resource={"type": "record", "id": "record-1#read"}),
        question("user:alice", "read", "record:x", resource={"type": "record", "id": "*"}),
        question("user:alice", "read@user", "record:record-1"),
        question("user:ALICE", "read", "record:record-1"),
        question("user:alice", "read", "record:record-1 "),
    ],
    ids=range(8),
)
async def test_no_part_of_a_question_is_more_than_it_is(point: DecisionPoint, asked: dict[str, Any]) -> None:
    answer = await point.ask("evaluation", asked)
    assert answer["decision"] is False


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 8.2")
async def test_pages(point: DecisionPoint) -> None:
    await point.write(*(f"record:record-1#read@user:u{number}" for number in range(5)))
    asked: dict[str, Any] = {**SUBJECTS, "page": {"limit": 3}}
    seen: list[str] = []
    while True:
        answer = await point.ask("search/subject", asked)
        seen += [one["id"] for one in answer["results"]]
        if not answer["page"]["next_token"]:
            break
        assert answer["page"]["count"] == 3
        asked = {**SUBJECTS, "page": {"token": answer["page"]["next_token"]}}
    assert seen == ["alice", "bob", "u0", "u1", "u2", "u3", "u4"]


@pytest.mark.attack("AUTHZ-PAGE")
async def test_a_page_token_goes_with_its_query_alone(point: DecisionPoint) -> None:
    first = {**SUBJECTS, "page": {"limit": 1}}
    token = (await point.ask("search/subject", first))["page"]["next_token"]
    assert token
    other = {**SUBJECTS, "action": DO_WRITE}
    for path, asked in (
        ("search/subject", {**other, "page": {"token": token}}),
        ("search/subject", {**SUBJECTS, "context": CONTEXT, "page": {"token": token}}),
        ("search/subject", {**SUBJECTS, "page": {"token": token, "limit": 2}}),
        ("search/subject", {**SUBJECTS, "page": {"token": token[:-2] + "AA"}}),
        ("search/subject", {**SUBJECTS, "page": {"token": "x"}}),
        ("search/resource", {**RESOURCES, "page": {"token": token}}),
    ):
        assert (await point.send(path, asked)).status_code == 400, asked
    assert (await point.ask("search/subject", {**SUBJECTS, "page": {"token": token, "limit": 1}}))["results"]


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 8.2.1")
@pytest.mark.parametrize(("limit", "status"), [(0, 200), (10**9, 200), (-1, 400), ("1", 400), (1.5, 400)])
async def test_limits(point: DecisionPoint, limit: Any, status: int) -> None:
    reply = await point.send("search/subject", {**SUBJECTS, "page": {"limit": limit}})
    assert reply.status_code == status
    if limit == 0:
        assert reply.json()["results"] == []
        assert reply.json()["page"]["next_token"]


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 9")
async def test_discovery(point: DecisionPoint) -> None:
    reply = await point.http.get("/.well-known/authzen-configuration", headers={"host": "evil.test"})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    document = reply.json()
    signed = document.pop("signed_metadata")
    assert document == {
        "policy_decision_point": BASE,
        "access_evaluation_endpoint": f"{BASE}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{BASE}/access/v1/evaluations",
        "search_subject_endpoint": f"{BASE}/access/v1/search/subject",
        "search_resource_endpoint": f"{BASE}/access/v1/search/resource",
        "search_action_endpoint": f"{BASE}/access/v1/search/action",
        "capabilities": [
            "urn:ietf:params:authzen:capability:properties-to-context",
            "urn:ietf:params:authzen:capability:search-pagination",
        ],
    }
    keys = await point.issuer.keys.key_set(point.issuer.realm, point.issuer.now)
    read = jws.read(signed, keys=keys, typ=("authzen-metadata+jwt",))
    assert isinstance(read, VerifiedToken)
    assert {name: value for name, value in read.claims.items() if name not in ("iss", "iat")} == document
    assert read.claims["iss"] == point.issuer.url


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 9.2")
async def test_each_store_is_a_decision_point_of_its_own(point: DecisionPoint) -> None:
    named = f"/authz/stores/{point.store}"
    document = (await point.http.get(f"/.well-known/authzen-configuration{named}")).json()
    assert document["policy_decision_point"] == f"{BASE}{named}"
    endpoint = document["access_evaluation_endpoint"].removeprefix(BASE)
    assert await point.ask(endpoint, READ) == {"decision": True}
    unknown = endpoint.replace(point.store, "01HVMMBCMGZNT3SED4Z17ECXCA")
    assert (await point.send(unknown, READ)).status_code == 404


async def test_one_model_is_named_or_none(point: DecisionPoint) -> None:
    model = (await point.stores.model(point.issuer.realm, point.store)).model
    token = {"authorization": f"Bearer {point.token}", "content-type": "application/json"}
    for named, status in (((model,), 200), ((), 200), ((model, model), 400), (("",), 400), (("newest",), 400)):
        headers = [*token.items(), *(("openfga-authorization-model-id", each) for each in named)]
        reply = await point.http.post("/access/v1/evaluation", json=READ, headers=headers)
        assert reply.status_code == status, named
