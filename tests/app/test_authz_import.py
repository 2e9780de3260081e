"""`keystead authz import`, `export` and `explain --server` against a server of OpenFGA's HTTP API, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
import yaml
from click.testing import CliRunner

from keystead.api.openfga import application
from keystead.app.http_server.server import open_socket
from keystead.app.openfga_import.client import ServerRefused
from keystead.app.openfga_import.tuples import milliseconds_of
from keystead.authz.language import read_model, to_json
from keystead.cli.main import keystead as cli
from keystead.core.errors import KeysteadError
from keystead.storage.memory import MemoryStore
from tests.harness.issuer import RunningIssuer

MODEL = """model
  schema 1.1

type user

type team
  relations
    define member: [user, team#member]

type order
  relations
    define owner: [user]
    define viewer: [user, user:*, team#member, user with small] or owner

condition small(amount: int) {
  amount < 100
}
"""
OLD = "model\n  schema 1.1\n\ntype user\n\ntype order\n  relations\n    define owner: [user]\n"


class Source:
    """A server to import from. `fails_after`: how many more requests it answers; None: all."""

    def __init__(self) -> None:
        self._application = application(MemoryStore())
        self.url = ""
        self.fails_after: int | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or break down."""
        if scope["type"] == "http" and self.fails_after is not None:
            self.fails_after -= 1
            if self.fails_after < 0:
                await send({"type": "http.response.start", "status": 418, "headers": []})
                await send({"type": "http.response.body", "body": b"{}"})
                return
        await self._application(scope, receive, send)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request of somebody who works there."""
        async with httpx2.AsyncClient(trust_env=False) as client:
            reply = await client.request(method, self.url + path, json=body)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None

    async def write(self, store: str, *keys: dict[str, Any], delete: bool = False) -> None:
        """Write tuples, or delete them."""
        for start in range(0, len(keys), 100):
            part = {"tuple_keys": keys[start : start + 100]}
            await self.call("POST", f"/stores/{store}/write", {"deletes" if delete else "writes": part})


@pytest.fixture
async def source() -> AsyncIterator[Source]:
    """A server over memory."""
    made = Source()
    listener = open_socket("127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(made, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield made
    server.should_exit = True
    await task


def key(user: str, relation: str, object: str, **more: Any) -> dict[str, Any]:
    """Return a tuple key."""
    return {"user": user, "relation": relation, "object": object, **more}


async def furnish(source: Source, tuples: int = 250) -> tuple[str, list[str]]:
    """Make a store with two models, assertions and tuples; return its id and those of the models, oldest first."""
    store = (await source.call("POST", "/stores", {"name": "shop"}))["id"]
    models = []
    for text in (OLD, MODEL):
        document = to_json(read_model(text))
        models.append(
            (await source.call("POST", f"/stores/{store}/authorization-models", document))["authorization_model_id"]
        )
    small = {"name": "small", "context": {"amount": 5}}
    await source.write(
        store,
        *(key(f"user:u{number}", "owner", f"order:{number}") for number in range(tuples)),
        key("team:staff#member", "viewer", "order:1"),
        key("user:carol", "member", "team:staff"),
        key("user:dora", "viewer", "order:1", condition=small),
    )
    assertion = {"tuple_key": key("user:carol", "viewer", "order:1"), "expectation": True}
    await source.call("PUT", f"/stores/{store}/assertions/{models[1]}", {"assertions": [assertion]})
    return store, models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the configuration of the server that imports."""
    folder = tmp_path / "here"
    folder.mkdir()
    server = {"base_url": "http://localhost:8080", "listen": "127.0.0.1:8080", "database": "sqlite:///k.db"}
    (folder / "keystead.yaml").write_text(yaml.safe_dump({"server": server, "realms": {"acme": {}, "other": {}}}))
    return folder


async def keystead(folder: Path, *arguments: str, status: int = 0) -> str:
    """Run a command of the product and return all it said, in a thread: it has an event loop of its own."""
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["authz", *_in(folder, arguments)])
    said = result.output
    if isinstance(result.exception, KeysteadError):
        said += str(result.exception)
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, said
    return said


def _in(folder: Path, arguments: tuple[str, ...]) -> list[str]:
    """Return the arguments with the files they name found in the folder, as if the command ran there."""
    found = [str(folder / each) if "." in each and "/" not in each and ":" not in each else each for each in arguments]
    if arguments[0] in ("import", "export"):
        found += ["--config", str(folder / "keystead.yaml")]
    return [*found, "--state", str(folder / "keystead-import.json")] if arguments[0] == "import" else found


async def test_everything_comes_along_under_its_own_ids(source: Source, folder: Path) -> None:
    store, models = await furnish(source)
    said = await keystead(folder, "import", "--from", source.url, "--realm", "acme", "--dry-run")
    assert "2 models, 1 assertions, 253 tuples: would be imported" in said
    assert not (folder / "k.db").exists()
    said = await keystead(folder, "import", "--from", source.url, "--realm", "acme")
    assert f"shop ({store}): 2 models, 1 assertions, 253 tuples: the same on both sides" in said
    await keystead(folder, "export", "--realm", "acme", "--store", store, "-o", "x.yaml")
    exported = yaml.safe_load((folder / "x.yaml").read_text())
    assert to_json(read_model(exported["model"])) == to_json(read_model(MODEL))
    assert len(exported["tuples"]) == 253
    assert (
        key("user:dora", "viewer", "order:1", condition={"name": "small", "context": {"amount": 5}})
        in exported["tuples"]
    )
    [test] = exported["tests"]
    assert test["check"] == [{"user": "user:carol", "object": "order:1", "assertions": {"viewer": True}}]
    copied = await kept(folder, store)
    assert copied == models


async def kept(folder: Path, store: str) -> list[str]:
    """Return the models that were kept, oldest first."""
    from keystead.authz.served import AuthorizationStores
    from keystead.storage.sqlite import open_store

    database = open_store(str(folder / "k.db"))
    try:
        found = await AuthorizationStores(database, lambda: 0.0).models("acme", store)
        return [each.model for each in reversed(found)]
    finally:
        await database.close()


async def test_broken_off_anywhere_it_goes_on_and_nothing_is_lost(source: Source, folder: Path) -> None:
    store, _ = await furnish(source, 450)
    for answered in (1, 3, 5, 7):
        source.fails_after = answered
        await keystead(folder, "import", "--from", source.url, "--realm", "acme", status=1)
    source.fails_after = None
    before = json.loads((folder / "keystead-import.json").read_text())["stores"][store]
    assert 0 < before["copied"] < 450, "it was really broken off in the middle"
    said = await keystead(folder, "import", "--from", source.url, "--realm", "acme")
    assert f"going on after {before['copied']} tuples" in said
    assert "453 tuples: the same on both sides" in said


async def test_run_again_it_brings_over_what_changed_since(source: Source, folder: Path) -> None:
    store, _ = await furnish(source, 30)
    await keystead(folder, "import", "--from", source.url, "--realm", "acme")
    await source.write(store, key("user:u1", "owner", "order:1"), delete=True)
    await source.write(store, key("user:late", "owner", "order:1"), key("user:dora", "owner", "order:2"))
    await source.write(store, key("user:dora", "viewer", "order:1"), delete=True)
    await source.write(store, key("user:dora", "viewer", "order:1"))
    said = await keystead(folder, "import", "--from", source.url, "--realm", "acme")
    assert "34 tuples: the same on both sides (5 changes brought over)" in said


async def test_a_store_of_others_is_not_written_to(source: Source, folder: Path) -> None:
    await furnish(source, 5)
    await keystead(folder, "import", "--from", source.url, "--realm", "acme")
    (folder / "keystead-import.json").unlink()
    said = await keystead(folder, "import", "--from", source.url, "--realm", "acme", status=1)
    assert "not from this import" in said
    assert "no realm `nowhere`" in await keystead(
        folder, "import", "--from", source.url, "--realm", "nowhere", status=2
    )


async def test_what_is_not_there_is_said(source: Source, folder: Path) -> None:
    said = await keystead(folder, "import", "--from", f"{source.url}/nowhere", "--realm", "acme", status=1)
    assert "Endpoint not enabled" in said
    unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    said = await keystead(folder, "import", "--from", source.url, "--realm", "acme", "--store", unknown, status=1)
    assert "store_id_not_found" in said
    assert "has no such store" in await keystead(folder, "import", "--from", source.url, "--realm", "acme", status=1)


async def test_a_file_goes_in_and_comes_out_again(folder: Path) -> None:
    text = (
        "name: by file\nmodel: |\n" + "".join(f"  {line}\n" for line in MODEL.splitlines()) +
        "tuples:\n  - {user: user:alice, relation: owner, object: order:1}\n"
        "tests:\n  - name: t\n    check:\n"
        "      - {user: user:alice, object: order:1, assertions: {viewer: true, owner: true}}\n"
    )  # fmt: skip
    (folder / "shop.fga.yaml").write_text(text)
    said = await keystead(folder, "import", "--from", "shop.fga.yaml", "--realm", "acme")
    store = said.partition("store ")[2][:26]
    assert "1 tuples, 2 assertions" in said
    await keystead(folder, "export", "--realm", "acme", "--store", store, "-o", "out.fga.yaml")
    assert "2 passed, 0 failed" in await keystead(folder, "test", "out.fga.yaml")
    assert "allowed" in await keystead(folder, "explain", "user:alice", "viewer", "order:1", "--file", "out.fga.yaml")


async def test_a_file_is_read_as_the_tests_read_it(folder: Path) -> None:
    (folder / "more.csv").write_text(
        "user_type,user_id,relation,object_type,object_id,condition_name,condition_context\n"
        'user,dora,viewer,order,1,small,"{""amount"": 5}"\n'
    )
    checks = "".join(
        f"      - {{user: user:alice, object: 'order:{number}', assertions: {{viewer: true}}}}\n"
        for number in range(1, 102)
    )
    (folder / "shop.fga.yaml").write_text(
        "model: |\n" + "".join(f"  {line}\n" for line in MODEL.splitlines()) +
        "tuple_files: [more.csv]\n"
        "tuples:\n  - {user: user:alice, relation: owner, object: order:1, expires_at: 4102444800}\n"
        "tests:\n"
        "  - name: t\n    now: 2030-01-01T00:00:00Z\n    check:\n"
        "      - {user: user:alice, object: order:1, assertions: {viewer: true}}\n"
        "  - name: u\n    check:\n"
        "      - {user: user:dora, object: order:1, assertions: {viewer: conditional}}\n"
        "    list_objects: [{user: user:alice, type: order, assertions: {owner: [order:1]}}]\n"
        f"  - name: v\n    check:\n{checks}"
    )  # fmt: skip
    said = await keystead(folder, "import", "--from", "shop.fga.yaml", "--realm", "acme")
    assert "2 tuples, 100 assertions" in said
    assert "4 questions of its tests are no assertions" in said
    store = said.partition("store ")[2][:26]
    await keystead(folder, "export", "--realm", "acme", "--store", store, "-o", "out.yaml")
    tuples = yaml.safe_load((folder / "out.yaml").read_text())["tuples"]
    small = {"name": "small", "context": {"amount": 5}}
    assert key("user:dora", "viewer", "order:1", condition=small) in tuples
    assert [each for each in tuples if "expires_at" in each] != []


async def test_a_file_with_a_misspelt_key_goes_nowhere(folder: Path) -> None:
    text = "model: |\n" + "".join(f"  {line}\n" for line in MODEL.splitlines())
    (folder / "shop.fga.yaml").write_text(text + "tupels: []\n")
    said = await keystead(folder, "import", "--from", "shop.fga.yaml", "--realm", "acme", status=1)
    assert "tupels" in said
    assert not (folder / "k.db").exists()


async def test_a_server_is_asked_why(source: Source, folder: Path) -> None:
    store, _ = await furnish(source, 3)
    at = ("--server", source.url, "--store", store)
    said = await keystead(folder, "explain", "user:carol", "viewer", "order:1", *at)
    assert "order:1#viewer: given to team:staff#member" in said
    said = await keystead(folder, "explain", "user:zoe", "viewer", "order:1", *at, status=1)
    assert "authz.no_path" in said
    tuples = ("--tuple", "team:staff#member@team:night#member", "--tuple", "team:night#member@user:zoe")
    assert "allowed" in await keystead(folder, "explain", "user:zoe", "viewer", "order:1", *at, *tuples)
    said = await keystead(folder, "explain", "user:carol", "viewer", "order:1", *at, "--json")
    answer = json.loads(said)
    assert answer["allowed"] is True
    assert [step["tuple"] for step in answer["path"] if step["tuple"]] == [
        "order:1#viewer@team:staff#member",
        "team:staff#member@user:carol",
    ]


async def test_conditions_and_times_are_part_of_the_question(folder: Path) -> None:
    (folder / "shop.fga.yaml").write_text("model: |\n" + "".join(f"  {line}\n" for line in MODEL.splitlines()))
    ask = ("explain", "user:dora", "viewer", "order:1", "--file", "shop.fga.yaml", "--tuple")
    conditional = (*ask, "order:1#viewer@user:dora with small")
    said = await keystead(folder, *conditional, status=3)
    assert "missing amount" in said
    assert "allowed" in await keystead(folder, *conditional, "--context", '{"amount": 7}')
    await keystead(folder, *conditional, "--context", '{"amount": 700}', status=1)
    ending = (*ask, "order:1#viewer@user:dora until 2030-01-01 00:00")
    assert "allowed" in await keystead(folder, *ending, "--at", "2029-12-31T23:59")
    await keystead(folder, *ending, "--at", "2030-01-01T00:00", status=1)
    assert "not a time" in await keystead(folder, *ending, "--at", "tomorrow", status=2)


async def test_models_are_checked_printed_and_compared(folder: Path) -> None:
    (folder / "a.fga").write_text(MODEL)
    (folder / "b.json").write_text(json.dumps(to_json(read_model(MODEL))))
    (folder / "c.fga").write_text(OLD)
    (folder / "bad.fga").write_text(OLD.replace("[user]", "[nobody]"))
    assert "a.fga: ok, 3 types, 3 relations, 1 conditions" in await keystead(
        folder, "model", "validate", "a.fga", "b.json"
    )
    assert "nobody" in await keystead(folder, "model", "validate", "a.fga", "bad.fga", status=1)
    assert await keystead(folder, "model", "print", "b.json") == MODEL
    assert json.loads(await keystead(folder, "model", "print", "a.fga", "--json")) == to_json(read_model(MODEL))
    assert "the same" in await keystead(folder, "model", "diff", "a.fga", "b.json")
    assert "-type team" in await keystead(folder, "model", "diff", "a.fga", "c.fga", status=1)


async def test_a_server_that_wants_a_token_is_shown_one(
    unserved: RunningIssuer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unserved.configuration["authz"] = {"stores": {"shop": {"realm": "acme", "model": MODEL}}}
    asking = next(client for client in unserved.realm["clients"] if client["client_id"] == "batch")
    asking["scope"] = "authz:read authz:write authz:admin"
    await unserved.start()
    monkeypatch.setenv("KEYSTEAD_CLIENT_SECRET", asking["client_secret"])
    api = f"{unserved.base_url}/authz"
    buying = ("--issuer", unserved.url, "--client-id", "batch")
    said = await keystead(folder, "import", "--from", api, "--realm", "acme", *buying)
    assert "shop (" in said
    assert "the same on both sides" in said
    store = said.partition("shop (")[2][:26]
    at = ("--server", api, "--store", store, "--tuple", "order:1#owner@user:alice")
    question = ("explain", "user:alice", "viewer", "order:1")
    assert "allowed" in await keystead(folder, *question, *at, *buying)
    assert "Show it a token" in await keystead(folder, *question, *at, status=1)
    monkeypatch.setenv("KEYSTEAD_CLIENT_SECRET", "wrong")
    said = await keystead(folder, *question, *at, *buying, status=1)
    assert "no token from" in said
    assert "wrong" not in said


@pytest.mark.parametrize("text", ["2026-01-31T12:00:00", "2026-01-31", "yesterday", ""])
def test_what_a_server_sends_for_a_time_has_an_offset(text: str) -> None:
    with pytest.raises(ServerRefused, match="for a time"):
        milliseconds_of(text)
    assert milliseconds_of("2026-01-31T13:00:00.123456789+01:00") == 1_769_860_800_123
