"""The API of `keystead serve`: tokens and scopes, the stores of the configuration, two processes on one database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from keystead.app.convergence.authorization import store_id
from tests.app.test_commands import keystead
from tests.harness.configuration import REALM, new_secret
from tests.harness.issuer import RunningIssuer, issuer_in
from tests.openfga.matrix import Json
from tests.openfga.requests import requests

SCOPES = {
    "read": "authz:read",
    "write": "authz:read authz:write",
    "all": "authz:read authz:write authz:model authz:admin",
}
FGA = """
model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
"""
ALICE = {"object": "document:1", "relation": "viewer", "user": "user:alice"}
SHOP = f"/stores/{store_id(REALM, 'shop')}"
TOKEN = "keystead-consistency-token"


class Served:
    """An issuer with a store of the configuration, and clients that may do more or less."""

    def __init__(self, issuer: RunningIssuer) -> None:
        self.issuer = issuer
        self.tokens: dict[str, str] = {}

    async def set_up(self) -> None:
        """Start it and log everybody in."""
        (self.issuer.directory / "shop.fga").write_text(FGA)
        self.issuer.configuration["authz"] = {"stores": {"shop": {"realm": REALM, "model_file": "shop.fga"}}}
        for name, scope in SCOPES.items():
            client: Json = {"client_id": f"fga-{name}", "client_secret": new_secret(), "scope": scope}
            client |= {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_post"}
            self.issuer.realm["clients"].append(client)
        await self.issuer.start()
        for name in SCOPES:
            client = next(each for each in self.issuer.realm["clients"] if each["client_id"] == f"fga-{name}")
            form = {"grant_type": "client_credentials", "audience": f"{self.issuer.base_url}/authz"}
            form |= {"client_id": client["client_id"], "client_secret": client["client_secret"]}
            async with self.issuer.session.post(f"{self.issuer.url}/token", data=form) as reply:
                self.tokens[name] = (await reply.json())["access_token"]
            self.issuer.witness.saw("access_token", self.tokens[name])

    async def ask(self, method: str, path: str, body: Any = None, **more: str) -> tuple[int, Any, Any]:
        """Send a request and return status, JSON and headers. `who` and `origin` say whose token and where to."""
        who, origin = more.pop("who", "all"), more.pop("origin", self.issuer.base_url)
        headers = {"authorization": f"Bearer {self.tokens[who]}"} if who else {}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        session = self.issuer.session
        async with session.request(method, f"{origin}/authz{path}", json=body, headers=headers) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if text and "\n" not in text.strip() else text, reply.headers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A running issuer for all tests of this file."""
    async with issuer_in(tmp_path_factory.mktemp("served")) as issuer:
        served = Served(issuer)
        await served.set_up()
        yield served


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.attack("Z6")
async def test_nothing_but_health_is_answered_without_a_token(served: Served) -> None:
    assert (await served.ask("GET", "/healthz", who=""))[0] == 200
    for method, path, body in requests(SHOP.removeprefix("/stores/"), SHOP.removeprefix("/stores/")):
        status, answer, headers = await served.ask(method, path, body, who="")
        assert (status, answer["code"]) == (401, "bearer_token_missing"), path
        assert "www-authenticate" in headers
    assert (await served.ask("POST", "/stores", {"name": "mine"}, who=""))[0] == 401


@pytest.mark.attack("Z6")
async def test_each_operation_takes_its_scope(served: Served) -> None:
    _, made, _ = await served.ask("POST", "/stores", {"name": "scopes"})
    refused: dict[str, set[str]] = {"read": set(), "write": set()}
    for who, wanting in refused.items():
        for method, path, body in requests(made["id"], made["id"]):
            if (await served.ask(method, path, body, who=who))[0] == 403:
                wanting.add(f"{method} {path.removeprefix('/stores/' + made['id'])}".replace(made["id"], "ID"))
    modelling = {"POST /authorization-models", "PUT /assertions/ID", "DELETE "}
    assert refused == {"read": {"POST /write", *modelling}, "write": modelling}
    assert (await served.ask("GET", "/stores", who="write"))[0] == 403
    assert (await served.ask("DELETE", f"/stores/{made['id']}"))[0] == 204


async def test_the_stores_of_the_configuration_are_there_with_their_model(served: Served) -> None:
    status, store, _ = await served.ask("GET", SHOP)
    assert (status, store["name"]) == (200, "shop")
    _, page, _ = await served.ask("GET", f"{SHOP}/authorization-models")
    assert [each["type"] for each in page["authorization_models"][0]["type_definitions"]] == ["user", "document"]
    status, answer, _ = await served.ask("DELETE", SHOP)
    assert (status, answer["code"]) == (403, "forbidden")


async def test_plan_and_apply_show_a_changed_model(served: Served) -> None:
    issuer = served.issuer
    before = (await served.ask("GET", f"{SHOP}/authorization-models"))[1]["authorization_models"]
    (issuer.directory / "shop.fga").write_text(FGA.replace("define viewer: [user]", "define viewer: [user, user:*]"))
    try:
        told = [keystead(command, cwd=issuer.directory).stdout for command in ("plan", "apply", "plan")]
        assert ["authorization_model" in each for each in told] == [True, True, False]
        after = (await served.ask("GET", f"{SHOP}/authorization-models"))[1]["authorization_models"]
        assert [each["id"] for each in after[1:]] == [each["id"] for each in before]
    finally:
        (issuer.directory / "shop.fga").write_text(FGA)


@pytest.mark.attack("Z5")
async def test_a_write_is_seen_by_another_process_that_is_shown_its_token(served: Served) -> None:
    elsewhere = await served.issuer.start_another()
    check = {"tuple_key": ALICE}
    token = ""
    for expected, change in ((True, "writes"), (False, "deletes")) * 5:
        status, _, headers = await served.ask("POST", f"{SHOP}/write", {change: {"tuple_keys": [ALICE]}})
        assert status == 200
        token = headers[TOKEN]
        shown = {"origin": elsewhere, TOKEN.replace("-", "_"): token}
        status, answer, _ = await served.ask("POST", f"{SHOP}/check", check, **shown)
        assert (status, answer["allowed"]) == (200, expected)
    newest = {**check, "consistency": "HIGHER_CONSISTENCY"}
    assert (await served.ask("POST", f"{SHOP}/check", newest, origin=elsewhere))[1]["allowed"] is False
    forged = {TOKEN.replace("-", "_"): token[:-4] + "AAAA"}
    assert (await served.ask("POST", f"{SHOP}/check", check, **forged))[0] == 400


async def test_a_long_list_is_streamed_line_by_line(served: Served) -> None:
    names = [f"document:{number:04}" for number in range(900)]
    for start in range(0, len(names), 100):
        tuples = [{"object": each, "relation": "viewer", "user": "user:bob"} for each in names[start : start + 100]]
        assert (await served.ask("POST", f"{SHOP}/write", {"writes": {"tuple_keys": tuples}}))[0] == 200
    asked = {"type": "document", "relation": "viewer", "user": "user:bob"}
    status, text, headers = await served.ask("POST", f"{SHOP}/streamed-list-objects", asked)
    assert status == 200
    assert [json.loads(line)["result"]["object"] for line in text.splitlines()] == names
    assert headers["transfer-encoding"] == "chunked"
    assert (await served.ask("POST", f"{SHOP}/list-objects", asked))[1] == {"objects": names}


async def test_what_was_decided_is_in_the_journal(served: Served) -> None:
    await served.ask("POST", f"{SHOP}/check", {"tuple_key": {**ALICE, "user": "user:journal"}})
    while not (lines := [line for line in served.issuer.process.decisions("authz.check") if _is_about_journal(line)]):
        await asyncio.sleep(0.01)
    told = [lines[0][name] for name in ("realm", "client_id", "allowed", "reason")]
    assert told == [REALM, "fga-all", False, "authz.no_path"]


def _is_about_journal(line: Json) -> bool:
    return bool(line["facts"].get("user") == "user:journal")
