"""Z6, Z3: the OpenFGA API against other tenants' ids, forged tokens, bodies and names at their limits and beyond."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest

from keystead.api.openfga import application
from keystead.api.openfga.table import ENDPOINTS
from keystead.storage.memory import MemoryStore
from tests.openfga.asking import Asking, key
from tests.openfga.matrix import Json
from tests.openfga.requests import requests
from tests.openfga.wires import asgi_wire, raw_asgi_wire

pytestmark = [pytest.mark.attack("Z6"), pytest.mark.attack("Z3")]
ALICE: Final = "document:1#viewer@user:alice"
MEBIBYTE: Final = 1_048_576


@pytest.fixture
def backend() -> MemoryStore:
    """One database of several tenants."""
    return MemoryStore()


@pytest.fixture
async def api(backend: MemoryStore) -> Asking:
    """A store of the realm `acme`."""
    asking = Asking(asgi_wire(application(backend, realm="acme")))
    await asking.set_up()
    await asking.write(ALICE)
    return asking


async def test_another_realms_store_does_not_exist(api: Asking, backend: MemoryStore) -> None:
    rival = Asking(asgi_wire(application(backend, realm="rival")))
    names = set()
    for method, path, document in requests(api.store, api.model):
        status, answer = await rival.at(method, path, document)
        assert (status, answer["code"]) == (404, "store_id_not_found"), path
        names.add(path)
    assert (await rival.at("GET", "/stores"))[1]["stores"] == []
    assert await api.check(ALICE) is True
    assert await api.check("document:2#viewer@user:eve") is False
    assert len(names) >= len([each for each in ENDPOINTS if each.message])


async def test_every_request_of_the_list_succeeds_for_its_owner(api: Asking) -> None:
    for method, path, document in requests(api.store, api.model):
        assert (await api.at(method, path, document))[0] < 300, path


@pytest.mark.attack("CVE-2026-55170")
async def test_ids_and_names_are_told_apart_by_case(api: Asking) -> None:
    for store in (api.store.lower(), api.store.swapcase(), api.store + "\n", "7" + api.store[1:]):
        status, _ = await api.at("GET", f"/stores/{store}")
        assert status in (400, 404), store
    assert await api.check(ALICE, authorization_model_id=api.model.lower()) == "validation_error"
    for other in ("document:1#viewer@user:Alice", "document:1#viewer@user:ALICE", "Document:1#viewer@user:alice"):
        assert await api.check(other) in (False, "validation_error"), other
    assert (await api.write("document:1#viewer@user:Alice"))[0] == 200, "another tuple"
    _, page = await api.post("read", {"tuple_key": {"object": "document:1"}})
    assert len(page["tuples"]) == 2


@pytest.mark.attack("CVE-2026-34972")
async def test_items_of_a_batch_share_nothing_however_alike_they_are(api: Asking) -> None:
    eve = key("document:1#visitor@user:eve")
    stored = {**eve, "condition": {"name": "of_age", "context": {"limit": 18}}}
    await api.post("write", {"writes": {"tuple_keys": [stored]}})
    group = {"tuple_keys": [key("document:9#viewer@user:eve")]}
    nine = key("document:9#viewer@user:eve")
    checks = [
        {"tuple_key": eve, "correlation_id": "young", "context": {"age": 17}},
        {"tuple_key": eve, "correlation_id": "old", "context": {"age": 18}},
        {"tuple_key": eve, "correlation_id": "nothing"},
        {"tuple_key": eve, "correlation_id": "young-again", "context": {"age": 17}},
        {"tuple_key": nine, "correlation_id": "with", "contextual_tuples": group},
        {"tuple_key": nine, "correlation_id": "without"},
    ]
    for order in (checks, checks[::-1]):
        _, answer = await api.post("batch-check", {"checks": order})
        results = answer["result"]
        assert results.pop("nothing")["error"]["input_error"] == "validation_error"
        assert {name: result["allowed"] for name, result in results.items()} == {
            "young": False, "old": True, "young-again": False, "with": True, "without": False,
        }  # fmt: skip


def token(*parts: Any) -> str:
    """Forge a continuation token."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


async def test_a_continuation_token_of_another_list_or_store_or_of_nobody_is_refused(api: Asking) -> None:
    await api.write("document:2#viewer@user:alice")
    _, page = await api.post("read", {"page_size": 1})
    mine = page["continuation_token"]
    other = Asking(api._ask)
    await other.set_up()
    forged = [
        *("AAAA", "bm90IGpzb24=", token(), token("read"), token("read", api.store), token("read", api.store, "a", "b")),
        *(token("read", api.store, 1, 2, 3), token("read", other.store, "a", "b", "c"), token(["read"])),
        *(
            token("changes", api.store, "1", ""),
            token("changes", api.store, "-1", ""),
            token("changes", api.store, "9" * 30, ""),
        ),
    ]
    for each in forged:
        status, answer = await api.post("read", {"continuation_token": each})
        assert (status, answer["code"]) == (400, "invalid_continuation_token"), each
        if each != forged[9]:
            assert (await api.get(f"changes?continuation_token={each}"))[0] == 400, each
    assert (await other.post("read", {"continuation_token": mine}))[1]["code"] == "invalid_continuation_token"
    assert (await api.get(f"authorization-models?continuation_token={mine}"))[0] == 400
    assert (await api.at("GET", f"/stores?continuation_token={mine}"))[0] == 400


@pytest.mark.parametrize("name", sorted({path.rpartition("/")[2] for _, path, _ in requests("s", "m")} - {"s", "m"}))
async def test_a_body_of_ten_megabytes_is_not_read(api: Asking, backend: MemoryStore, name: str) -> None:
    ask = raw_asgi_wire(application(backend, realm="acme"))
    body = b'{"page_size": 1, "x": "' + b"a" * 10 * MEBIBYTE + b'"}'
    status, _ = await ask("POST", f"/stores/{api.store}/{name}", body)
    assert status in (405, 413)


@pytest.mark.parametrize(
    "opening", ["[", '{"a":', '{"tuple_key":', '{"context":{"a":', '{"context":[', '{"writes":{"tuple_keys":[']
)
async def test_deep_json_is_refused_not_followed(api: Asking, backend: MemoryStore, opening: str) -> None:
    ask = raw_asgi_wire(application(backend, realm="acme"))
    deep = (opening * (200_000 // len(opening))).encode()
    for name in (
        "check",
        "batch-check",
        "write",
        "read",
        "list-objects",
        "list-users",
        "expand",
        "authorization-models",
    ):
        status, body = await ask("POST", f"/stores/{api.store}/{name}", deep)
        assert status == 400, name
        assert json.loads(body)["code"]


async def test_a_deep_rewrite_is_refused(api: Asking) -> None:
    rewrite: Json = {"this": {}}
    for _ in range(300):
        rewrite = {"union": {"child": [rewrite]}}
    model = {"schema_version": "1.1", "type_definitions": [{"type": "user", "relations": {"a": rewrite}}]}
    status, answer = await api.post("authorization-models", model)
    assert (status, answer["code"]) == (400, "invalid_authorization_model")


async def test_a_model_at_its_limits_is_taken_and_one_beyond_is_not(api: Asking) -> None:
    types: list[Json] = [{"type": f"t{number}"} for number in range(100)]
    model = {"schema_version": "1.1", "type_definitions": types}
    assert (await api.post("authorization-models", model))[0] == 201
    status, answer = await api.post("authorization-models", {**model, "type_definitions": [*types, {"type": "more"}]})
    assert (status, answer["code"]) == (400, "exceeded_entity_limit")
    relations: Json = {f"r{number:04}" + "x" * 40: {"this": {}} for number in range(3_000)}
    restriction = {"directly_related_user_types": [{"type": "t0"}]}
    wide = {"type": "wide", "relations": relations, "metadata": {"relations": dict.fromkeys(relations, restriction)}}
    status, answer = await api.post("authorization-models", {**model, "type_definitions": [{"type": "t0"}, wide]})
    assert (status, answer["code"]) == (400, "exceeded_entity_limit")
    long = {"type": "t" * 255}
    assert (await api.post("authorization-models", {**model, "type_definitions": [long]}))[0] == 400


@pytest.mark.parametrize(
    "id", ["é", "日本", "a\u0301", "\u202e", "a%20b", "a/b", "a|b", "{}", "..", "@", "a@b", "'", "*x"]
)
async def test_odd_names_are_names_or_refused_and_never_one_another(api: Asking, id: str) -> None:
    text = f"document:1#viewer@user:{id}"
    status, _ = await api.write(text)
    assert status in (200, 400)
    assert await api.check(text) is (status == 200)
    assert await api.check("document:1#viewer@user:nobody") is False
    assert await api.check(ALICE) is True


@pytest.mark.parametrize(
    "id", ["a b", "a\tb", "a\nb", "a\x00b", "a\x7fb", "\u2028", "a#b", "a:b", "", "\ud800", " "], ids=ascii
)
async def test_names_with_space_or_control_characters_are_refused(api: Asking, backend: MemoryStore, id: str) -> None:
    ask = raw_asgi_wire(application(backend, realm="acme"))
    for tuple_key in (key(ALICE) | {"user": f"user:{id}"}, key(ALICE) | {"object": f"document:{id}"}):
        for name, body in (("write", {"writes": {"tuple_keys": [tuple_key]}}), ("check", {"tuple_key": tuple_key})):
            status, _ = await ask("POST", f"/stores/{api.store}/{name}", json.dumps(body).encode())
            assert status == 400, (name, tuple_key)
