"""The interoperability scenarios of the AuthZEN working group: Todo (drafts 02), API gateway, and search."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keystead.storage.ports import Relationship
from tests.decision_point import DecisionPoint, open_decision_point
from tests.issuer import Issuer

VECTORS = Path(__file__).parents[2] / "vectors" / "authzen"
TODO, GATEWAY, SEARCH = (json.loads((VECTORS / f"{name}.json").read_text()) for name in ("todo", "gateway", "search"))
PEOPLE = {  # who the scenario says they are: e-mail and roles
    "CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("rick@the-citadel.com", "admin evil_genius"),
    "CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("morty@the-citadel.com", "editor"),
    "CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("summer@the-smiths.com", "editor"),
    "CiRmZDM2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("beth@the-smiths.com", "viewer"),
    "CiRmZDQ2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("jerry@the-smiths.com", "viewer"),
}
TODO_MODEL = """
model
  schema 1.1

type user
  relations
    define list: [list]
    define can_read_user: viewer from list

type list
  relations
    define admin: [user]
    define evil_genius: [user]
    define editor: [user] or admin or evil_genius
    define viewer: [user] or editor
    define own: [user with is_owner]

type todo
  relations
    define list: [list]
    define own: own from list
    define can_read_todos: viewer from list
    define can_create_todo: editor from list
    define can_update_todo: evil_genius from list or (own and editor from list)
    define can_delete_todo: admin from list or (own and editor from list)

condition is_owner(resource_ownerID: string, email: string) {
  resource_ownerID == email
}
"""
GATEWAY_MODEL = """
model
  schema 1.1

type identity

type role
  relations
    define holder: [identity]

type route
  relations
    define GET: [role#holder]
    define POST: [role#holder]
    define PUT: [role#holder]
    define DELETE: [role#holder]
"""
SEARCH_MODEL = """
model
  schema 1.1

type user

type company
  relations
    define manager: [user]

type department
  relations
    define member: [user]
    define lead: [user]

type record
  relations
    define company: [company]
    define department: [department]
    define owner: [user]
    define view: owner or member from department or manager from company
    define edit: owner or lead from department
    define delete: owner
"""
ACTIONS = {"view", "edit", "delete"}


def _todo_tuples() -> Iterator[str | Relationship]:
    asked = [case["request"] for case in TODO["evaluation"]]
    asked += [{**case["request"], **item} for case in TODO["evaluations"] for item in case["request"]["evaluations"]]
    things = {(one["resource"]["type"], one["resource"]["id"]) for one in asked}
    yield from (f"{type}:{id}#list@list:shared" for type, id in sorted(things))
    for person, (email, roles) in PEOPLE.items():
        yield from (f"list:shared#{role}@user:{person}" for role in roles.split())
        yield Relationship("list:shared", "own", f"user:{person}", "is_owner", json.dumps({"email": email}))


def _gateway_tuples() -> Iterator[str]:
    for person, (_, roles) in PEOPLE.items():
        yield from (f"role:{role}#holder@identity:{person}" for role in roles.split())
    for route in ("/users/{userId}", "/todos"):
        yield from (f"route:{route}#GET@role:{role}#holder" for role in ("admin", "evil_genius", "editor", "viewer"))
    for method, route in (("POST", "/todos"), ("PUT", "/todos/{todoId}"), ("DELETE", "/todos/{todoId}")):
        yield from (f"route:{route}#{method}@role:{role}#holder" for role in ("admin", "evil_genius", "editor"))


def _search_tuples() -> Iterator[str]:
    for user in SEARCH["users"]:
        yield f"department:{user['department']}#member@user:{user['id']}"
        if user["role"] == "manager":
            yield f"department:{user['department']}#lead@user:{user['id']}"
            yield f"company:all#manager@user:{user['id']}"
    for record in SEARCH["records"]:
        yield f"record:{record['id']}#company@company:all"
        yield f"record:{record['id']}#department@department:{record['department']}"
        yield f"record:{record['id']}#owner@user:{record['owner']}"


@pytest.fixture
async def todo(issuer: Issuer) -> DecisionPoint:
    """The Todo application's decision point."""
    return await open_decision_point(issuer, TODO_MODEL, list(_todo_tuples()))


@pytest.fixture
async def gateway(issuer: Issuer) -> DecisionPoint:
    """An API gateway's decision point."""
    return await open_decision_point(issuer, GATEWAY_MODEL, list(_gateway_tuples()))


@pytest.fixture
async def search(issuer: Issuer) -> DecisionPoint:
    """The search demo's decision point."""
    return await open_decision_point(issuer, SEARCH_MODEL, list(_search_tuples()))


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 6")
async def test_todo(todo: DecisionPoint) -> None:
    assert len(TODO["evaluation"]) == 40
    for case in TODO["evaluation"]:
        answer = await todo.ask("evaluation", case["request"])
        assert answer["decision"] is case["expected"], case["request"]
    for case in TODO["evaluations"]:
        answer = await todo.ask("evaluations", case["request"])
        assert [one["decision"] for one in answer["evaluations"]] == [one["decision"] for one in case["expected"]]


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 6")
async def test_gateway(gateway: DecisionPoint) -> None:
    assert len(GATEWAY["evaluation"]) == 25
    for case in GATEWAY["evaluation"]:
        answer = await gateway.ask("evaluation", case["request"])
        assert answer["decision"] is case["expected"], case["request"]


def found(results: list[dict[str, Any]]) -> list[str]:
    """Return results in order, without the relations that are no actions of the scenario."""
    return sorted(one["id"] for one in results if "id" in one) + sorted(
        {one["name"] for one in results if "name" in one} & ACTIONS
    )


@pytest.mark.spec("AuthZEN Authorization API 1.0 section 8")
@pytest.mark.parametrize(("kind", "number"), [("subject", 60), ("resource", 18), ("action", 120)])
async def test_search(search: DecisionPoint, kind: str, number: int) -> None:
    assert len(SEARCH[kind]) == number
    for case in SEARCH[kind]:
        answer = await search.ask(f"search/{kind}", case["request"])
        assert found(answer["results"]) == found(case["expected"]["results"]), case["request"]
