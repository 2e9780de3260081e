"""A service follows facts of a real server over HTTP, with a token of its own, while the server dies and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from keystead.authz import AuthorizationEngine, Denied, open
from keystead.core.errors import ConfigurationError
from keystead.sdk.shared_facts import SharedFacts
from tests.harness.configuration import new_secret
from tests.harness.issuer import RunningIssuer, issuer_in

FACTS: Final = """model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
"""
MODEL: Final = f"""{FACTS}type order
  relations
    define owner: [user]
    define viewer: [group#member] or owner
"""
SCOPES: Final = "authz:read authz:write authz:admin"


class Server:
    """A `keystead serve` with a store of groups, and a client that may write them."""

    def __init__(self, issuer: RunningIssuer) -> None:
        self.issuer = issuer
        self.store = ""
        self.tokens = 0

    @property
    def api(self) -> str:
        """Where the authorization API is."""
        return f"{self.issuer.base_url}/authz"

    async def token(self) -> str:
        """Return an access token of the service itself."""
        self.tokens += 1
        client = self.issuer.client("facts")
        answer = await client.token("client_credentials", scope=SCOPES, resource=self.api)
        assert answer.status == 200, answer
        return str(answer.json["access_token"])

    async def ask(self, method: str, path: str, document: Any = None) -> Any:
        """Call the API."""
        headers = {"authorization": f"Bearer {await self.token()}"}
        async with self.issuer.session.request(method, self.api + path, json=document, headers=headers) as reply:
            assert reply.status < 300, await reply.text()
            return await reply.json()

    async def write(self, kind: str, user: str, object: str) -> None:
        """Write or delete a membership."""
        key = {"user": user, "relation": "member", "object": object}
        await self.ask("POST", f"/stores/{self.store}/write", {kind: {"tuple_keys": [key]}})


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A running server with one member of one group."""
    (tmp_path / "facts.fga").write_text(FACTS)
    async with issuer_in(tmp_path) as issuer:
        client = {"client_id": "facts", "client_secret": new_secret(), "grant_types": ["client_credentials"]}
        issuer.realm["clients"].append({**client, "scope": SCOPES})
        issuer.configuration["authz"] = {"stores": {"facts": {"realm": "acme", "model_file": "facts.fga"}}}
        await issuer.start()
        server = Server(issuer)
        server.store = (await server.ask("GET", "/stores"))["stores"][0]["id"]
        await server.write("writes", "user:alice", "group:staff")
        yield server


async def until(holds: Callable[[], bool]) -> None:
    """Wait, with patience for a loaded machine."""
    async with asyncio.timeout(90):
        while not holds():
            await asyncio.sleep(0.02)


async def changes_to(engine: AuthorizationEngine, allowed: bool, user: str) -> None:
    """Wait until the answer for the order of the group is this one."""
    async with asyncio.timeout(90):
        while bool(await engine.check(user, "viewer", "order:1")) is not allowed:
            await asyncio.sleep(0.02)


async def test_a_service_decides_on_while_the_server_is_dead(server: Server) -> None:
    facts = SharedFacts(server.api, server.store, ["group"], token=server.token)
    async with open("memory://", model=MODEL, shared=facts) as engine:
        await engine.write(["order:1#viewer@group:staff#member", "order:2#owner@user:carol"])
        assert await engine.check("user:alice", "viewer", "order:1")
        await server.write("writes", "user:bob", "group:staff")
        await changes_to(engine, True, "user:bob")
        following = engine.shared
        assert following is not None

        server.issuer.process.kill()
        await until(lambda: bool(following.last_failure))
        stale = following.staleness
        assert await engine.check("user:bob", "viewer", "order:1")
        assert await engine.check("user:carol", "viewer", "order:2")
        assert following.staleness > stale
        facts.fail_closed["order#viewer"] = 0.001
        refused = await engine.check("user:bob", "viewer", "order:1")
        assert isinstance(refused, Denied)
        assert refused.reason == "authz.stale_facts"
        facts.fail_closed.clear()

        await server.issuer.process.start_and_wait()
        await server.write("deletes", "user:bob", "group:staff")
        await changes_to(engine, False, "user:bob")
        assert await engine.check("user:alice", "viewer", "order:1")
        assert following.last_failure == ""


async def test_a_service_that_starts_while_the_server_is_dead_begins_with_what_it_knew(
    server: Server, tmp_path: Path
) -> None:
    """The file is private, belongs to one store and its types, and is as old as it is."""
    keep = tmp_path / "facts.json"
    order = ["order:1#viewer@group:staff#member"]

    def facts(*types: str) -> SharedFacts:
        return SharedFacts(server.api, server.store, types or ["group"], token=server.token, keep=str(keep))

    async with open("memory://", model=MODEL, shared=facts()) as engine:
        await engine.write(order)
        assert await engine.check("user:alice", "viewer", "order:1")
    assert keep.stat().st_mode & 0o777 == 0o600
    server.issuer.process.kill()
    async with open("memory://", model=MODEL, shared=facts()) as engine:
        await engine.write(order)
        assert await engine.check("user:alice", "viewer", "order:1")
        assert not await engine.check("user:bob", "viewer", "order:1")
        assert engine.shared is not None
        assert engine.shared.staleness > 0
        await server.issuer.process.start_and_wait()
        await server.write("writes", "user:bob", "group:staff")
        await changes_to(engine, True, "user:bob")
    server.issuer.process.kill()
    for broken in (facts("group", "user"), facts()):
        async with open("memory://", model=MODEL, shared=broken) as engine:
            await engine.write(order)
            refused = await engine.check("user:alice", "viewer", "order:1")
            assert isinstance(refused, Denied)
            assert refused.reason == "authz.stale_facts"
        keep.write_text("nonsense")


async def test_who_may_not_read_gets_no_facts(server: Server) -> None:
    """A wrong token, a store that is not there: nothing comes, nothing that hangs on it is allowed, and it is said."""
    for store, token in ((server.store, lambda: "nonsense"), ("0" * 26, server.token)):
        facts = SharedFacts(server.api, store, ["group"], token=token)
        async with open("memory://", model=MODEL, shared=facts) as engine:
            await engine.write(["order:1#viewer@group:staff#member"])
            refused = await engine.check("user:alice", "viewer", "order:1")
            assert isinstance(refused, Denied)
            assert refused.reason == "authz.stale_facts"
            said = "answered 401: the token must be" if store == server.store else "answered 404: the URL must be"
            assert said in refused.detail


async def test_the_feed_refuses_nonsense(server: Server) -> None:
    """Cursors of other stores or types, no types, a wait that is no number."""
    headers = {"authorization": f"Bearer {await server.token()}"}
    address = f"{server.api}/stores/{server.store}/feed"

    async def ask(query: str) -> tuple[int, Any]:
        async with server.issuer.session.get(f"{address}?{query}", headers=headers) as reply:
            return reply.status, await reply.json()

    status, page = await ask("types=group")
    assert (status, page["reset"], page["more"]) == (200, True, True)
    assert page["tuples"] == [["group:staff", "member", "user:alice", "", "", 0]]
    for query in (
        "",
        "types=",
        "types=a:b",
        "types=group&wait=soon",
        "types=group&wait=-1",
        "types=group&cursor=nonsense",
        f"types=user&cursor={page['cursor']}",
        f"types={','.join(f't{number}' for number in range(60))}",
    ):
        status, refusal = await ask(query)
        assert status == 400, (query, refusal)


def test_what_is_missing_is_said() -> None:
    for arguments in (
        {"types": ["group"]},
        {"types": [], "token": lambda: "x"},
        {"types": ["group"], "token": lambda: "x", "url": "http://id.example/authz"},
    ):
        with pytest.raises(ConfigurationError):
            SharedFacts(**{"url": "https://id.example/authz", "store": "0" * 26, **arguments})  # type: ignore[arg-type]  # a table
