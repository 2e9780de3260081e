"""write, read and changes, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.openfga.asking import Asking, key
from tests.openfga.conftest import Clock
from tests.openfga.matrix import Json

ALICE = "document:1#viewer@user:alice"
BOB = "document:1#viewer@user:bob"
EXISTS = "tuple to be written already existed or the tuple to be deleted did not exist"
NOW = "2026-09-21T14:13:20Z"


def texts(page: Json, field: str = "key") -> list[str]:
    """Return the tuples of a page as texts."""
    rows = page["tuples"] if field == "key" else page["changes"]
    return ["{object}#{relation}@{user}".format(**row[field]) for row in rows]


async def test_a_write_is_all_or_nothing_and_deletes_come_first(api: Asking) -> None:
    assert await api.write(ALICE) == (200, {})
    status, answer = await api.write(BOB, ALICE)
    assert (status, answer["code"]) == (400, "write_failed_due_to_invalid_input")
    named = "user: 'user:alice', relation: 'viewer', object: 'document:1'"
    assert answer["message"] == f"cannot write a tuple which already exists: {named}: {EXISTS}"
    assert texts((await api.post("read", {}))[1]) == [ALICE]
    body = {"deletes": {"tuple_keys": [key(ALICE)]}, "writes": {"tuple_keys": [key(BOB)]}}
    assert await api.post("write", body) == (200, {})
    assert texts((await api.post("read", {}))[1]) == [BOB]
    status, answer = await api.post("write", body)
    assert (status, answer["message"]) == (400, f"cannot delete a tuple which does not exist: {named}: {EXISTS}")


async def test_what_is_there_or_not_there_can_be_ignored(api: Asking) -> None:
    await api.write(ALICE)
    assert await api.write(ALICE, BOB, on_duplicate="ignore") == (200, {})
    gone = {"deletes": {"tuple_keys": [key(ALICE), key("document:9#viewer@user:x")], "on_missing": "ignore"}}
    assert await api.post("write", gone) == (200, {})
    assert texts((await api.post("read", {}))[1]) == [BOB]
    conditional = key("document:1#visitor@user:eve", condition={"name": "of_age", "context": {"limit": 18}})
    assert (await api.post("write", {"writes": {"tuple_keys": [conditional]}}))[0] == 200
    other = {**conditional, "condition": {"name": "of_age", "context": {"limit": 21}}}
    status, answer = await api.post("write", {"writes": {"tuple_keys": [other], "on_duplicate": "ignore"}})
    assert (status, answer["code"]) == (409, "Aborted")
    status, answer = await api.write(ALICE, on_duplicate="overwrite")
    assert (status, answer["message"]) == (400, "invalid on_duplicate option: overwrite")


REASONS = {
    "document:1#viewer@alice": "the 'user' field must be an object",
    "document:1#viewer@user:a#b#c": "the 'user' field is malformed",
    "document:1#viewer@robot:r2": "type 'robot' not found",
    "document:1#viewer@group:g#owner": "relation 'group#owner' not found",
    "document:1#viewer@group:g": "type 'group' is not an allowed type restriction for 'document#viewer'",
    "document:1#owner@user:*": "the typed wildcard 'user:*' is not an allowed type restriction for 'document#owner'",
    "document:1#owner@group:g#member": "'group#member' is not an allowed type restriction for 'document#owner'",
    "document:1#nobody@user:a": "relation 'document#nobody' not found",
    "file:1#viewer@user:a": "type 'file' not found",
    "document:*#viewer@user:a": "the 'object' field cannot reference a typed wildcard",
    "document#viewer@user:a": "invalid 'object' field format",
    "document:1#reader@user:a": "type 'user' is not an allowed type restriction for 'document#reader'",
    "document:1#visitor@user:a": "condition is missing",
    "group:g#member@group:g#member": "cannot write a tuple that is implicit",
}


@pytest.mark.parametrize("text", REASONS)
async def test_a_tuple_the_model_does_not_allow_is_refused_with_the_reason(api: Asking, text: str) -> None:
    status, answer = await api.write(ALICE, text)
    assert (status, answer["code"]) == (400, "validation_error")
    assert REASONS[text] in answer["message"]
    assert (await api.post("read", {}))[1]["tuples"] == []


CONDITIONS: dict[str, tuple[Any, str]] = {
    "unknown": ({"name": "nobody"}, "undefined condition"),
    "where none is allowed": ({"name": "of_age"}, "invalid condition for type restriction"),
    "no name": ({"name": ""}, "value does not match regex pattern"),
    "other parameter": ({"name": "of_age", "context": {"size": 1}}, "size"),
    "other type": ({"name": "of_age", "context": {"limit": "many"}}, "limit"),
    "too large": ({"name": "of_age", "context": {"limit": " " * 33_000}}, ""),
}


@pytest.mark.parametrize("name", CONDITIONS)
async def test_a_condition_is_held_against_the_model(api: Asking, name: str) -> None:
    condition, said = CONDITIONS[name]
    text = ALICE if name == "where none is allowed" else "document:1#visitor@user:eve"
    status, answer = await api.post("write", {"writes": {"tuple_keys": [key(text, condition=condition)]}})
    assert (status, answer["code"]) == (400, "validation_error")
    assert said in answer["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({}, "invalid_write_input", id="nothing"),
        pytest.param({"writes": {"tuple_keys": []}}, "validation_error", id="no writes"),
        pytest.param({"deletes": {}}, "validation_error", id="no deletes"),
        pytest.param({"writes": {"tuple_keys": "all"}}, "validation_error", id="a text"),
        pytest.param({"writes": {"tuple_keys": [{"user": 7}]}}, "validation_error", id="a number"),
        pytest.param(
            {"writes": {"tuple_keys": [key(ALICE)]}, "deletes": {"tuple_keys": [key(ALICE)]}},
            "cannot_allow_duplicate_tuples_in_one_request",
            id="there and back",
        ),
        pytest.param(
            {"writes": {"tuple_keys": [key(f"document:{number}#viewer@user:a") for number in range(101)]}},
            "exceeded_entity_limit",
            id="too many",
        ),
        pytest.param(
            {"writes": {"tuple_keys": [key(ALICE)]}, "authorization_model_id": "latest"}, "validation_error", id="model"
        ),
        pytest.param(
            {"writes": {"tuple_keys": [key(f"document:1#viewer@user:{'a' * 509}")]}}, "validation_error", id="long"
        ),
        pytest.param({"writes": {"tuple_keys": [key(f"{'d' * 257}#viewer@user:a")]}}, "validation_error", id="longer"),
    ],
)
async def test_a_write_that_makes_no_sense_is_refused(api: Asking, body: Json, code: str) -> None:
    status, answer = await api.post("write", body)
    assert (status, answer["code"]) == (400, code)


async def test_null_is_as_good_as_absent(api: Asking) -> None:
    tuple = {**key(ALICE), "condition": None}
    body = {"writes": {"tuple_keys": [tuple], "on_duplicate": None}, "deletes": None, "authorization_model_id": None}
    assert await api.post("write", body) == (200, {})


async def test_tuples_are_read_by_object_by_type_and_user_or_all(api: Asking) -> None:
    carol = "document:2#owner@user:carol"
    await api.write(ALICE, BOB, carol)
    _, page = await api.post("read", {})
    assert page == {
        "tuples": [{"key": {**key(text), "condition": None}, "timestamp": NOW} for text in (ALICE, BOB, carol)],
        "continuation_token": "",
    }
    wanted: dict[str, Json] = {
        ALICE: {"object": "document:1", "user": "user:alice"},
        BOB: {"object": "document:", "user": "user:bob"},
        carol: {"object": "document:2"},
    }
    for text, tuple_key in wanted.items():
        assert texts((await api.post("read", {"tuple_key": tuple_key}))[1]) == [text]
    assert texts((await api.post("read", {"tuple_key": {"object": "document:1", "relation": "owner"}}))[1]) == []


@pytest.mark.parametrize(
    "tuple_key",
    [
        {},
        {"object": "document:"},
        {"user": "user:alice"},
        {"object": "document"},
        {"relation": "viewer"},
        {"object": ":1"},
    ],
    ids=str,
)
async def test_a_read_must_name_an_object_or_a_type_and_a_user(api: Asking, tuple_key: Json) -> None:
    status, answer = await api.post("read", {"tuple_key": tuple_key})
    assert (status, answer["code"]) == (400, "validation_error")


async def test_a_read_comes_in_pages(api: Asking) -> None:
    tuples = [f"document:{number}#viewer@user:alice" for number in range(7)]
    await api.write(*tuples)
    seen: list[str] = []
    token = ""
    for _ in range(4):
        _, page = await api.post("read", {"page_size": 2, "continuation_token": token})
        seen += texts(page)
        token = page["continuation_token"]
    assert seen == tuples
    assert token == ""
    status, answer = await api.post("read", {"page_size": 101})
    assert (status, answer["code"]) == (400, "page_size_invalid")


async def test_every_change_is_told_in_order_and_the_token_is_always_there(api: Asking, clock: Clock) -> None:
    status, nothing = await api.get("changes")
    assert (status, nothing["changes"]) == (200, [])
    await api.write(ALICE)
    clock.now += 60
    await api.post(
        "write", {"deletes": {"tuple_keys": [key(ALICE)]}, "writes": {"tuple_keys": [key("group:g#member@user:a")]}}
    )
    _, page = await api.get(f"changes?continuation_token={nothing['continuation_token']}")
    assert texts(page, "tuple_key") == [ALICE, ALICE, "group:g#member@user:a"]
    written, deleted = "TUPLE_OPERATION_WRITE", "TUPLE_OPERATION_DELETE"
    assert [each["operation"] for each in page["changes"]] == [written, deleted, written]
    assert [each["timestamp"] for each in page["changes"]] == [NOW, "2026-09-21T14:14:20Z", "2026-09-21T14:14:20Z"]
    _, rest = await api.get(f"changes?continuation_token={page['continuation_token']}")
    assert (rest["changes"], rest["continuation_token"]) == ([], page["continuation_token"])
    _, later = await api.get("changes?start_time=2026-09-21T14:14:00Z")
    assert len(later["changes"]) == 2


async def test_changes_of_one_type_keep_to_their_token(api: Asking) -> None:
    await api.write(ALICE, "group:g#member@user:a", BOB)
    _, page = await api.get("changes?type=document&page_size=1")
    assert texts(page, "tuple_key") == [ALICE]
    token = page["continuation_token"]
    assert texts((await api.get(f"changes?type=document&continuation_token={token}"))[1], "tuple_key") == [BOB]
    status, answer = await api.get(f"changes?type=group&continuation_token={token}")
    assert (status, answer["code"]) == (400, "query_string_type_continuation_token_mismatch")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("start_time=2036-01-01T00:00:00Z", "validation_error"),
        ("start_time=yesterday", "validation_error"),
        ("start_time=2026-01-01", "validation_error"),
        ("type=a%23b", "type_invalid_pattern"),
        ("page_size=0", "page_size_invalid"),
        ("continuation_token=WyJyZWFkIl0=", "invalid_continuation_token"),
    ],
)
async def test_changes_refuse_what_makes_no_sense(api: Asking, query: str, code: str) -> None:
    status, answer = await api.get(f"changes?{query}")
    assert (status, answer["code"]) == (400, code)


async def test_a_tuple_that_expires_counts_until_then_and_is_gone_afterwards(api: Asking, clock: Clock) -> None:
    await api.post("write", {"writes": {"tuple_keys": [key(ALICE, expires_at="2026-09-21T14:14:00Z")]}})
    assert await api.check(ALICE) is True
    _, page = await api.post("read", {})
    assert page["tuples"][0]["key"]["expires_at"] == "2026-09-21T14:14:00Z"
    clock.now += 60
    assert await api.check(ALICE) is False
    assert (await api.post("read", {}))[1]["tuples"] == []
    status, answer = await api.post("write", {"writes": {"tuple_keys": [key(BOB, expires_at="tomorrow")]}})
    assert (status, answer["code"]) == (400, "validation_error")
