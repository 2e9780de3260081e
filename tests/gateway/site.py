"""A whole site: a real issuer behind real HTTP, a real gateway with its own database, raw upstreams behind it."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from keystead.core.records.api import Api, ExchangePolicy
from keystead.core.sealing import AesGcmSealer
from keystead.core.values import Secret, handle_digest
from keystead.gateway.gateway import Gateway
from keystead.gateway.sessions.live import LiveSession
from keystead.gateway.settings import GatewaySettings, LimitSettings, RouteSettings, SessionSettings
from keystead.storage.ports import Store
from tests.browser import Browser
from tests.gateway.plane import KeptJournal
from tests.gateway.raw import RawBrowser, Response, close_all
from tests.gateway.upstream import RawUpstream
from tests.harness.databases import usual_store
from tests.harness.processes import free_port
from tests.issuer import SECRET, Issuer, confidential
from tests.served import FrontDoor, front_door
from tests.shop import alice, bob, reach_code

CATALOG = "https://catalog.test"
ORDERS = "https://orders.test"
CLOSED = "https://closed.test"
CLIENT = "shop-bff"
SCOPE = "openid profile email catalog:read orders:read orders:write"
GRANTS = ("authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange")
GATEWAY_KEY = bytes(range(1, 33))


@dataclass
class Site:
    """Everything that runs."""

    issuer: Issuer
    door: FrontDoor
    upstream: RawUpstream
    gateway: Gateway
    journal: KeptJournal
    store: Store
    folder: Path

    @property
    def origin(self) -> str:
        """What browsers write."""
        return f"http://localhost:{self.gateway.port}"

    def visitor(self) -> Visitor:
        """Somebody with a fresh browser."""
        return Visitor(self.gateway.port, self.door.browser())

    def session(self, visitor: Visitor) -> LiveSession:
        """The visitor's session, as the gateway has it in memory."""
        live = self.gateway.table.at_hand(visitor.jar["__Host-keystead"])
        assert live is not None
        return live

    async def load(self, visitor: Visitor) -> LiveSession:
        """The visitor's session, read into memory first."""
        live = await self.gateway.table.load(visitor.jar["__Host-keystead"])
        assert live is not None
        return live


@dataclass
class Visitor:
    """A browser at the gateway: keeps its cookies, knows which are Strict, tells where its requests come from.

    `reached` is the port its requests really go to, as a proxy may choose; 0 for the one it writes.
    """

    port: int
    at_issuer: Browser
    jar: dict[str, str] = field(default_factory=dict)
    strict: set[str] = field(default_factory=set)
    seen: list[Response] = field(default_factory=list)
    reached: int = 0

    async def navigate(self, path: str, *, site: str = "none", method: str = "GET", **headers: str) -> Response:
        """Go to a page, from the address bar unless told otherwise. Redirects are not followed."""
        usual = {"accept": "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        return await self.send(method, path, {**usual, "sec-fetch-site": site, **headers})

    async def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        """Call from a script of our own pages."""
        usual = {"accept": "*/*", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin"}
        own = {"origin": f"http://localhost:{self.port}"} if method != "GET" else {}
        return await self.send(method, path, {**usual, **own, "x-csrf": "1", **headers}, body)

    async def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Response:
        """Send one request with the cookies a browser would send."""
        jar = {
            n: v for n, v in self.jar.items() if headers.get("sec-fetch-site") != "cross-site" or n not in self.strict
        }
        if jar and "cookie" not in headers:
            headers = {**headers, "cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        lines = [f"{method} {path} HTTP/1.1", f"host: localhost:{self.port}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value]
        if body or method == "POST":
            lines.append(f"content-length: {len(body)}")
        browser = await RawBrowser.open(self.reached or self.port)
        response = await browser.ask("\r\n".join((*lines, "", "")).encode() + body, head_only=method == "HEAD")
        browser.close()
        self.seen.append(response)
        self._keep(response)
        return response

    async def begin(self, query: str = "") -> str:
        """Begin a sign-in and return the issuer's URL."""
        response = await self.navigate(f"/bff/login{query}")
        assert response.status == 303, response.body
        return response.header("location")

    async def to_callback(self, query: str = "", username: str = "alice") -> str:
        """Sign in at the issuer and return the callback's path with its parameters."""
        page = await reach_code(self.at_issuer, await self.begin(query), username)
        parts = urlsplit(page.location)
        assert parts.netloc == f"localhost:{self.port}", page.location
        return f"{parts.path}?{parts.query}"

    async def sign_in(self, query: str = "", username: str = "alice") -> Response:
        """Sign in, and return the page that goes on."""
        response = await self.navigate(await self.to_callback(query, username), site="cross-site")
        assert response.status == 200, response.body
        return response

    async def user(self) -> dict[str, Any]:
        """Ask who is signed in."""
        response = await self.call("GET", "/bff/user")
        assert response.status == 200, response.body
        found: dict[str, Any] = msgspec.json.decode(response.body)
        return found

    def _keep(self, response: Response) -> None:
        for name, value in response.headers:
            if name == "set-cookie":
                pair, *attributes = (part.strip() for part in value.split(";"))
                cookie, _, text = pair.partition("=")
                self.strict.add(cookie) if "SameSite=Strict" in attributes else self.strict.discard(cookie)
                self.jar[cookie] = text
                if "Max-Age=0" in attributes:
                    del self.jar[cookie]


def onward(response: Response) -> str:
    """Return where a page goes on to by itself."""
    found = re.search(rb'http-equiv="refresh" content="0;url=([^"]*)"', response.body)
    assert found is not None
    return html.unescape(found[1].decode())


def query_of(url: str) -> dict[str, str]:
    """Return a URL's parameters, each of which must be there once."""
    found = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


def site_routes(url: str) -> tuple[RouteSettings, ...]:
    """Pages for all, two services, and one that nobody may exchange towards."""
    return (
        RouteSettings(path="/", upstream=url, public=True),
        RouteSettings(path="/api/catalog", upstream=f"{url}/catalog", audience=CATALOG, scopes=("catalog:read",)),
        RouteSettings(path="/api/orders", upstream=f"{url}/orders", audience=ORDERS, websocket=True),
        RouteSettings(path="/api/closed", upstream=f"{url}/closed", audience=CLOSED),
        RouteSettings(path="/account", upstream=f"{url}/account", audience=ORDERS, csrf="same_origin"),
    )


async def open_realm(issuer: Issuer, origin: str) -> None:
    """Store the realm this site lives in."""
    exchange = ExchangePolicy(sources=(CLIENT,))
    await issuer.set_up(
        Api(realm="acme", id=CATALOG, scopes=("catalog:read",), exchange=exchange),
        Api(realm="acme", id=ORDERS, scopes=("orders:read", "orders:write"), exchange=exchange),
        Api(realm="acme", id=CLOSED, scopes=("closed:all",)),
        confidential(
            CLIENT,
            grant_types=GRANTS,
            scope=SCOPE,
            skip_consent=True,
            redirect_uris=(f"{origin}/bff/callback",),
            post_logout_redirect_uris=(f"{origin}/",),
        ),
        alice(),
        bob(),
    )


@asynccontextmanager
async def running_site(
    issuer: Issuer,
    upstream: RawUpstream,
    folder: Path,
    *,
    session: SessionSettings | None = None,
    limits: LimitSettings | None = None,
    dpop: bool = False,
    **realm_fields: Any,
) -> AsyncIterator[Site]:
    """Start everything."""
    port = free_port()
    origin = f"http://localhost:{port}"
    async with front_door(issuer) as door:
        await open_realm(issuer, origin)
        settings = GatewaySettings(
            listen=f"127.0.0.1:{port}",
            public_url=origin,
            issuer=issuer.url,
            client_id=CLIENT,
            client_secret=Secret(SECRET),
            scopes=tuple(SCOPE.split()),
            routes=site_routes(upstream.url),
            session=session or SessionSettings(),
            limits=limits or LimitSettings(),
            dpop=dpop,
        )
        journal, store = KeptJournal(), usual_store(folder, "gateway.db")
        gateway = Gateway(settings, store, AesGcmSealer(GATEWAY_KEY), journal)
        await gateway.start()
        try:
            yield Site(issuer, door, upstream, gateway, journal, store, folder)
        finally:
            close_all()
            await asyncio.sleep(0)
            await gateway.stop(grace=0.5)
            await store.close()


def digest(handle: str) -> str:
    """Return what is stored in place of a handle."""
    return handle_digest(handle)
