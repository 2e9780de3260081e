"""What the gateway must refuse, tried for real."""

from __future__ import annotations

import socket

import msgspec

from keystead.demo.check.person import NAVIGATION
from keystead.demo.check.report import Step
from keystead.demo.check.story import sign_in
from keystead.demo.check.world import CSRF, World, expect
from keystead.demo.places import audience

ORDER = msgspec.json.encode({"product": "axe", "quantity": 1})


def gateway_refusals(world: World) -> list[Step]:
    """Return what the gateway must refuse."""
    part = "Refused at the gateway"
    return [
        Step(part, "a call without a cookie", lambda: _without_cookie(world)),
        Step(part, "a navigation without a cookie goes to sign in", lambda: _navigation(world)),
        Step(part, "a call with the cookie but without X-CSRF", lambda: _without_csrf(world)),
        Step(part, "a call that another site began", lambda: _cross_site(world)),
        Step(part, "a bearer token of the caller's own", lambda: _own_bearer(world)),
        Step(part, "a path that two parsers read differently", lambda: _ambiguous_path(world)),
        Step(part, "a path nobody allowed", lambda: _unknown_method(world)),
        Step(part, "bob reading alice's order", lambda: _bob(world)),
    ]


def _without_cookie(world: World) -> str:
    return expect(world.http.get(f"{world.places.shop_url}/api/orders/orders", headers=CSRF), 401)


def _navigation(world: World) -> str:
    answer = world.http.get(f"{world.places.shop_url}/api/orders/orders", headers=NAVIGATION, follow_redirects=False)
    expect(answer, 303)
    return answer.headers["location"]


def _without_csrf(world: World) -> str:
    url = f"{world.places.shop_url}/api/orders/orders"
    return expect(world.person("alice").request("GET", url, headers={"Sec-Fetch-Site": "same-origin"}), 403)


def _cross_site(world: World) -> str:
    url = f"{world.places.shop_url}/api/orders/orders"
    headers = {**CSRF, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    return expect(world.person("alice").request("POST", url, headers=headers, content=ORDER), 403)


def _own_bearer(world: World) -> str:
    token = world.tokens("alice", resource=audience("orders"))["access_token"]
    headers = {**CSRF, "Authorization": f"Bearer {token}"}
    return expect(world.http.get(f"{world.places.shop_url}/api/orders/orders", headers=headers), 401)


def _ambiguous_path(world: World) -> str:
    answer = _raw(world.places.gateway_port, b"GET /api/catalog/..%2forders/orders HTTP/1.1")
    assert b" 400 " in answer.splitlines()[0], answer[:200]
    return "400 for /api/catalog/..%2forders"


def _raw(port: int, request_line: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request_line + b"\r\nHost: localhost\r\nX-CSRF: 1\r\nConnection: close\r\n\r\n")
        return connection.recv(4096)


def _unknown_method(world: World) -> str:
    return expect(world.shop("alice", "GET", "/api/nothing/here"), 404)


def _bob(world: World) -> str:
    sign_in(world, "bob", consent=True)
    answer = world.shop("bob", "GET", f"/api/orders/orders/{world.order['id']}")
    expect(answer, 403)
    return f"403 {answer.json()['detail']['explanation']}"
