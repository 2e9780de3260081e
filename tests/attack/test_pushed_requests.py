"""Pushed requests under attack: raced, taken for something else, and fetched through the server's own fast lane."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import msgspec
import pytest

from keystead.core.records.client import Client
from tests.client_requests import is_told_here, jwks, push, pushed_url, signed_request
from tests.harness.issuer import RunningIssuer
from tests.issuer import SECRET, VERIFIER, Issuer, basic_header
from tests.served import FrontDoor
from tests.shop import CALLBACK, authorize_url, browser_for, good_request, open_shop, reach_code


@pytest.mark.attack("C1")
@pytest.mark.attack("C3")
async def test_many_who_answer_at_once_get_one_code(door: FrontDoor) -> None:
    """Sixteen browsers, all signed in, bring one reference at the same moment over real HTTP."""
    await door.issuer.change(Client, "shop", skip_consent=True)
    browsers = [door.browser() for _ in range(16)]
    await reach_code(browsers[0], authorize_url(door.issuer))
    for browser in browsers[1:]:
        browser.jar = dict(browsers[0].jar)
    for _ in range(5):
        answer = await push(door.issuer)
        url = pushed_url(door.issuer, answer.json["request_uri"])
        pages = await asyncio.gather(*(browser.get(url, follow=False) for browser in browsers))
        codes = [page for page in pages if page.location.startswith(CALLBACK)]
        assert len(codes) == 1
        assert all(page.status == 400 for page in pages if page not in codes)


@pytest.mark.attack("C1")
async def test_a_reference_is_answered_once_whichever_process_is_asked(nodes: RunningIssuer) -> None:
    """Pushed to one process, brought to both at once by browsers that are signed in: one code."""
    other = await nodes.start_another()
    web, alice = nodes.client("web"), nodes.person("alice")
    await alice.authorize(web)
    cookies = "; ".join(f"{name}={value}" for name, value in alice.browser.jar.items()).encode()
    there = nodes.client("web", origin=other)
    for _ in range(4):
        asked = parse_qs(urlsplit(await web.authorization_url()).query)
        pushed = await there.post("pushed_authorization_request_endpoint", {n: v[0] for n, v in asked.items()})
        assert pushed.status == 201, pushed.body
        path = f"/realms/acme/authorize?{urlencode({'client_id': 'web', 'request_uri': pushed['request_uri']})}"
        urls = [(nodes.base_url, other)[number % 2] + path for number in range(16)]
        wire = alice.browser.wire
        pages = await asyncio.gather(*(wire("GET", url, ((b"cookie", cookies),), b"") for url in urls))
        assert sorted(page.status for page in pages) == [303] + [400] * 15
        (code,) = [page.answer["code"] for page in pages if page.status == 303]
        assert (await web.redeem(alice.witness.saw("code", code))).status == 200


@pytest.mark.attack("C3")
async def test_a_reference_is_nothing_else(issuer: Issuer) -> None:
    await open_shop(issuer)
    uri = (await push(issuer)).json["request_uri"]
    handle = uri.rpartition(":")[2]
    for value in (uri, handle, f"ksc_{handle}", f"ksr_{handle}"):
        assert (await issuer.redeem(value, client="shop")).error == "invalid_grant"
        answer = await issuer.token("refresh_token", client="shop", refresh_token=value)
        assert answer.error == "invalid_grant"
        browser = browser_for(issuer)
        assert (await browser.get(f"{issuer.url}/authorize/resume?{urlencode({'interaction': value})}")).status == 400
    page = await reach_code(browser_for(issuer), pushed_url(issuer, uri))
    code = page.answer["code"]
    for value in (code, code.removeprefix("ksc_")):
        told = await browser_for(issuer).get(pushed_url(issuer, f"urn:ietf:params:oauth:request_uri:{value}"))
        assert is_told_here(told)


@pytest.mark.attack("T1")
async def test_a_reference_of_one_realm_is_unknown_in_another(issuer: Issuer) -> None:
    await open_shop(issuer)
    uri = (await push(issuer)).json["request_uri"]
    issuer.realm = "other"
    await issuer.set_up(Client(realm="other", id="shop", redirect_uris=(CALLBACK,), scope="openid"))
    assert is_told_here(await browser_for(issuer).get(pushed_url(issuer, uri)))


@pytest.mark.spec("RFC 9126 section 2")
async def test_the_whole_way_over_http(door: FrontDoor) -> None:
    """Pushed with real HTTP, opened in a browser, redeemed; and refused with the registered status and error."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        url, basic = f"{door.issuer.url}/par", {"authorization": basic_header("shop", SECRET).decode()}
        wrong = await client.post(url, data=good_request(), headers={"authorization": "Basic c2hvcDp3cm9uZw=="})
        assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
        assert (await client.get(url)).status_code == 405
        assert (await client.post(url, json=good_request(), headers=basic)).status_code == 400
        pushed = await client.post(url, data=good_request(), headers=basic)
        assert pushed.status_code == 201
        page = await reach_code(door.browser(), pushed_url(door.issuer, pushed.json()["request_uri"]))
        form = {"grant_type": "authorization_code", "code": page.answer["code"], "redirect_uri": CALLBACK}
        form["code_verifier"] = VERIFIER
        token = await client.post(f"{door.issuer.url}/token", data=form, headers=basic)
        assert token.status_code == 200, token.text


@pytest.mark.attack("S1")
async def test_an_object_is_fetched_and_verified_with_fetched_keys_in_the_fast_lane(door: FrontDoor) -> None:
    """The handlers that are driven by hand wait for another server here, twice, and many at once."""
    bodies: dict[str, bytes] = {}
    fetched: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        fetched.append(path)
        await asyncio.sleep(0.5)
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(bodies[path])}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + bodies[path])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    site = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        bodies["/jwks"] = msgspec.json.encode(jwks())
        bodies["/request"] = signed_request(door.issuer, state="fetched", prompt="none").encode()
        await door.issuer.change(Client, "shop", jwks_uri=f"{site}/jwks", request_uris=(f"{site}/request",))
        query = urlencode({"client_id": "shop", "request_uri": f"{site}/request"})
        url = f"{door.issuer.url}/authorize?{query}"
        pages = await asyncio.gather(*(door.browser().get(url, follow=False) for _ in range(8)))
        for page in pages:
            answered = parse_qs(urlsplit(page.location).query)
            assert (answered["error"], answered["state"]) == (["login_required"], ["fetched"])
        assert fetched.count("/request") < len(pages), "who comes while it is fetched waits for that"
    finally:
        server.close()
        await server.wait_closed()
