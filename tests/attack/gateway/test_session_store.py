"""P4: a session is exactly what the store says; nothing a cookie can be made to say is one."""

from __future__ import annotations

import asyncio
import time
import tracemalloc

import msgspec
import pytest

from keystead.core.sealing import AesGcmSealer
from keystead.core.values import EpochSeconds, handle_digest
from keystead.gateway.cookies import SESSION_COOKIE, find_handle
from keystead.gateway.sessions.records import GatewaySession
from keystead.gateway.sessions.table import SessionTable
from keystead.gateway.settings import SessionSettings
from keystead.storage.ports import Write, get, put
from tests.gateway.raw import RawBrowser
from tests.gateway.site import CLIENT, Site

pytestmark = pytest.mark.attack("P4")


async def test_no_altered_handle_is_a_session(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    good = visitor.jar["__Host-keystead"]
    assert (await visitor.call("GET", "/bff/user")).status == 200
    altered = [good[:-1], good[1:], good + "A", good[::-1], good.swapcase(), good.lower(), "", "A" * 43, f'"{good}"']
    altered += [f"{good} ", f"{good}%00", f"{good},{good}", handle_digest(good), f"v1.{good}", good[:20], "..", "*"]
    altered += [good[:i] + ("A" if good[i] != "A" else "B") + good[i + 1 :] for i in range(0, 43, 3)]
    for handle in altered:
        if handle.strip() != good:
            visitor.jar["__Host-keystead"] = handle
            assert (await visitor.call("GET", "/bff/user")).status == 401, handle


OTHER_COOKIES = (
    "__Host-keystead={h}; __Host-keystead={h}", "__Host-keystead=x; __Host-keystead={h}", "__host-keystead={h}",
    "__Host-keystead-0={h}", "keystead={h}", "__Secure-keystead={h}", "__Host-keystead_={h}", "__Host-keystead",
    "x=__Host-keystead={h}", "__Host-keystead%3D{h}", "__Host-keystead[]={h}", "__Host-keystead:{h}",
)  # fmt: skip


async def test_other_names_and_doubles_are_no_session(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    for cookie in OTHER_COOKIES:
        sent = cookie.format(h=visitor.jar["__Host-keystead"])
        assert (await visitor.call("GET", "/bff/user", cookie=sent)).status == 401, cookie


async def test_two_cookie_headers_are_refused(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    good = f"__Host-keystead={visitor.jar['__Host-keystead']}"
    response = await visitor.call("GET", "/bff/user", cookie=f"{good}\r\ncookie: {good}")
    assert response.status == 400


def test_finding_our_cookie_is_bounded_work() -> None:
    many = b"; ".join(b"c%d=%d" % (i, i) for i in range(3_000))
    began = time.perf_counter()
    for header in (
        many,
        b";" * 30_000,
        b"=" * 30_000,
        b"__Host-keystead=" * 2_000,
        b"__Host-keystead=" + b"A" * 32_000,
    ):
        assert find_handle(header, SESSION_COOKIE) is None
    assert time.perf_counter() - began < 0.25


async def test_strangers_handles_fill_no_memory(site: Site) -> None:
    table = site.gateway.table
    for _ in range(100):
        await table.load(f"{_:043d}")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(3_000):
        assert await table.load(f"{number:043d}") is None
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 100_000
    assert len(table.live_sessions()) == 0


async def test_strangers_headers_fill_no_memory(site: Site) -> None:
    """What is remembered of cookies, names and paths is bounded in bytes, not only in number."""

    async def pass_by(numbers: range) -> None:
        browser = await RawBrowser.open(site.gateway.port)
        for number in numbers:
            mark = b"%d" % number
            head = (
                b"GET /api/"
                + mark.ljust(3_000, b"p")
                + b" HTTP/1.1\r\nhost: "
                + site.origin.removeprefix("http://").encode()
            )
            cookie, name = mark + b"=" + b"c" * 10_000, mark.ljust(10_000, b"n")
            response = await browser.ask(head + b"\r\ncookie: " + cookie + b"\r\n" + name + b": x\r\n\r\n")
            assert response.status == 200
        site.upstream.received.clear()
        site.journal.decisions.clear()

    await pass_by(range(20))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    await pass_by(range(20, 420))
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1_000_000


async def test_a_session_sealed_under_another_key_is_none(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    handle = visitor.jar["__Host-keystead"]
    table = SessionTable(site.store, AesGcmSealer(bytes(range(7, 39))), SessionSettings(), CLIENT)
    assert await table.load(handle) is None


async def test_tokens_moved_to_another_session_do_not_open(site: Site) -> None:
    """Whoever can write to the database still cannot give alice's tokens to bob's session."""
    alice, bob = site.visitor(), site.visitor()
    await alice.sign_in()
    await bob.sign_in(username="bob")
    table, now = site.gateway.table, site.gateway.table.now()
    ids = [handle_digest(visitor.jar["__Host-keystead"]) for visitor in (alice, bob)]

    def swap() -> Write[None]:
        hers = yield from get(GatewaySession, table.realm, ids[0], now)
        his = yield from get(GatewaySession, table.realm, ids[1], now)
        assert hers is not None
        assert his is not None
        yield from put(msgspec.structs.replace(his, sealed=hers.sealed, generation=his.generation + 1), now)

    await site.store.write(swap)
    table.forget(ids[1])
    assert (await bob.call("GET", "/bff/user")).status == 401


async def test_a_session_of_another_client_is_none(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    handle = visitor.jar["__Host-keystead"]
    other = SessionTable(site.store, site.gateway.table._sealer, SessionSettings(), "another-client")
    assert await other.load(handle) is None
    assert await site.gateway.table.load(handle) is not None


async def test_logout_wins_over_many_calls(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    stolen = dict(visitor.jar)
    calls = [asyncio.create_task(visitor.call("GET", f"/api/orders/{number}")) for number in range(30)]
    await asyncio.sleep(0.01)
    assert (await visitor.call("POST", "/bff/logout")).status == 200
    await asyncio.gather(*calls, return_exceptions=True)
    before = len(site.upstream.received)
    visitor.jar = stolen
    answers = await asyncio.gather(*(visitor.call("GET", f"/api/orders/{number}") for number in range(30)))
    assert {answer.status for answer in answers} == {401}
    assert len(site.upstream.received) == before
    record = await site.store.read(
        get(GatewaySession, site.gateway.table.realm, handle_digest(stolen["__Host-keystead"]), EpochSeconds(1))
    )
    assert record is None


async def test_two_people_never_change_places(site: Site) -> None:
    people = {name: site.visitor() for name in ("alice", "bob")}
    for name, visitor in people.items():
        await visitor.sign_in(username=name)

    async def ask(name: str) -> None:
        assert (await people[name].user())["sub"] == f"usr_{name}"

    await asyncio.gather(*(ask(name) for name in ("alice", "bob") * 40))
