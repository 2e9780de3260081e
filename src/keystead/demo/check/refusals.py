"""What must not work, tried for real."""

from __future__ import annotations

import secrets
import socket
import time
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec

from keystead.demo.check.person import NAVIGATION
from keystead.demo.check.report import Step
from keystead.demo.check.story import sign_in
from keystead.demo.check.world import CSRF, World, expect
from keystead.demo.configuration import RECEIVER, SENDER, TOKEN_EXCHANGE, audience

ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
ORDER = msgspec.json.encode({"product": "axe", "quantity": 1})
PROBE_SECONDS = 20


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


def service_refusals(world: World) -> list[Step]:
    """Return what a service must refuse whoever stands before it."""
    part = "Refused by the services themselves"
    return [
        Step(part, "no token at all", lambda: expect(world.service("orders", "GET", "/orders"), 401)),
        Step(part, "a token meant for another service", lambda: _wrong_audience(world)),
        Step(part, "a token without the scope", lambda: _missing_scope(world)),
        Step(part, "an expired token", lambda: _expired(world)),
        Step(part, "a token with one character changed", lambda: _tampered(world)),
        Step(part, "an unsigned token", lambda: _unsigned(world)),
    ]


def issuer_refusals(world: World) -> list[Step]:
    """Return what the issuer must refuse."""
    part = "Refused by the issuer"
    return [
        Step(part, "an authorization request without PKCE", lambda: _without_pkce(world)),
        Step(part, "a redirect URI one character off", lambda: _redirect_uri(world)),
        Step(part, "a code with the wrong verifier", lambda: _wrong_verifier(world)),
        Step(part, "a replayed code, and what it had bought", lambda: _replayed_code(world)),
        Step(part, "a reused refresh token, and its whole family", lambda: _reused_refresh_token(world)),
        Step(part, "a wrong client secret", lambda: _wrong_secret(world)),
        Step(part, "the password grant, naming what to use instead", lambda: _password_grant(world)),
        Step(part, "the implicit response type, likewise", lambda: _implicit(world)),
        Step(part, "an exchange for an audience not open to the actor", lambda: _exchange_audience(world)),
        Step(part, "an exchange of somebody else's token", lambda: _exchange_foreign(world)),
    ]


def identity_refusals(world: World) -> list[Step]:
    """Return what agent and bus must refuse."""
    part = "Refused by agent and bus"
    return [
        Step(part, "asking the agent without its header", lambda: _agent(world, b"", 400)),
        Step(part, "a process the agent did not start", lambda: _agent(world, b"Keystead-Metadata: true\r\n", 403)),
        Step(part, "the sender tries to receive", lambda: _probe(world, SENDER, "subscribe orders.>", allowed=False)),
        Step(
            part, "the receiver tries to send", lambda: _probe(world, RECEIVER, "publish orders.probe", allowed=False)
        ),
        Step(part, "the sender sends, as it may", lambda: _probe(world, SENDER, "publish orders.probe", allowed=True)),
        Step(part, "the receiver receives", lambda: _probe(world, RECEIVER, "subscribe orders.>", allowed=True)),
        Step(part, "connecting to the bus without a token", lambda: _probe(world, "", "connect", allowed=False)),
    ]


def endings(world: World) -> list[Step]:
    """Return what must be over when it is over."""
    part = "Over when it is over"
    return [
        Step(part, "a revoked token is inactive at once", lambda: _revoked(world)),
        Step(part, "after signing out the old cookie opens nothing", lambda: _signed_out(world)),
        Step(part, "no secret is in any log line", lambda: _no_secret_in_logs(world)),
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


def _unknown_method(world: World) -> str:
    return expect(world.shop("alice", "GET", "/api/nothing/here"), 404)


def _bob(world: World) -> str:
    sign_in(world, "bob", consent=True)
    answer = world.shop("bob", "GET", f"/api/orders/orders/{world.order['id']}")
    expect(answer, 403)
    return f"403 {answer.json()['detail']['explanation']}"


def _wrong_audience(world: World) -> str:
    token = world.tokens("alice", resource=audience("catalog"), scope="catalog:read")["access_token"]
    expect(world.service("catalog", "GET", "/products", token), 200)
    return expect(world.service("orders", "GET", "/orders", token), 401, says="invalid_token")


def _missing_scope(world: World) -> str:
    token = world.tokens("alice", resource=audience("orders"), scope="orders:read")["access_token"]
    return expect(world.service("orders", "POST", "/orders", token, ORDER), 403, says="insufficient_scope")


def _expired(world: World) -> str:
    token = world.tokens("alice", resource=audience("orders"), scope="orders:read")["access_token"]
    expect(world.service("orders", "GET", "/orders", token), 200)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = world.service("orders", "GET", "/orders", token)
        if answer.status_code == httpx2.codes.UNAUTHORIZED:
            return expect(answer, 401, says="invalid_token")
        time.sleep(0.2)
    raise AssertionError("the token outlived its time")


def _tampered(world: World) -> str:
    token = world.tokens("alice", resource=audience("orders"), scope="orders:read")["access_token"]
    changed = token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]
    return expect(world.service("orders", "GET", "/orders", changed), 401, says="invalid_token")


def _unsigned(world: World) -> str:
    token = world.tokens("alice", resource=audience("orders"), scope="orders:read")["access_token"]
    unsigned = f"eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{token.split('.')[1]}."
    return expect(world.service("orders", "GET", "/orders", unsigned), 401, says="invalid_token")


def _without_pkce(world: World) -> str:
    person = world.person("alice")
    person.visit(
        world.authorization_request("x" * 50, code_challenge="", code_challenge_method=""),
        until=world.client.redirect_uri,
    )
    answer = parse_qs(urlsplit(person.url).query)
    assert answer.get("error") == ["invalid_request"], person.url
    assert answer.get("iss") == [world.places.issuer], person.url
    return "invalid_request, with iss"


def _redirect_uri(world: World) -> str:
    url = world.authorization_request("x" * 50, redirect_uri=world.client.redirect_uri + "x")
    answer = world.person("alice").request("GET", url, headers=NAVIGATION)
    assert "location" not in answer.headers, answer.headers
    return expect(answer, 400)


def _wrong_verifier(world: World) -> str:
    verifier = secrets.token_urlsafe(48)
    return expect(world.redeem(world.code("alice", verifier), "y" * 50), 400, says="invalid_grant")


def _replayed_code(world: World) -> str:
    verifier = secrets.token_urlsafe(48)
    code = world.code("alice", verifier)
    first = world.redeem(code, verifier)
    expect(first, 200)
    expect(world.redeem(code, verifier), 400, says="invalid_grant")
    active = world.post("introspection_endpoint", token=first.json()["access_token"]).json()["active"]
    assert active is False, "what the code had bought is still active"
    return "invalid_grant; its token is inactive"


def _reused_refresh_token(world: World) -> str:
    first = world.tokens("alice")["refresh_token"]
    second = _refresh(world, first)
    third = _refresh(world, second)
    expect(world.token_endpoint(grant_type="refresh_token", refresh_token=first), 400, says="invalid_grant")
    return expect(world.token_endpoint(grant_type="refresh_token", refresh_token=third), 400, says="invalid_grant")


def _refresh(world: World, token: str) -> str:
    answer = world.token_endpoint(grant_type="refresh_token", refresh_token=token)
    expect(answer, 200)
    return str(answer.json()["refresh_token"])


def _wrong_secret(world: World) -> str:
    answer = world.http.post(
        world.metadata["token_endpoint"],
        data={"grant_type": "client_credentials"},
        auth=(world.client.client_id, "not-the-secret"),
    )
    return expect(answer, 401, says="invalid_client")


def _password_grant(world: World) -> str:
    answer = world.token_endpoint(grant_type="password", username="alice", password="x")  # noqa: S106 - refused unread
    return expect(answer, 400, says="authorization_code")


def _implicit(world: World) -> str:
    person = world.person("alice")
    person.visit(world.authorization_request("x" * 50, response_type="token"), until=world.client.redirect_uri)
    answer = parse_qs(urlsplit(person.url).query)
    assert answer.get("error") == ["unsupported_response_type"], person.url
    return answer["error_description"][0]


def _exchange(world: World, token: str, target: str) -> httpx2.Response:
    return world.token_endpoint(
        grant_type=TOKEN_EXCHANGE, subject_token=token, subject_token_type=ACCESS_TOKEN_TYPE, audience=target
    )


def _exchange_audience(world: World) -> str:
    token = world.tokens("alice")["access_token"]
    return expect(_exchange(world, token, audience("inventory")), 400, says="invalid_target")


def _exchange_foreign(world: World) -> str:
    forged = "ksa_" + secrets.token_urlsafe(200)
    return expect(_exchange(world, forged, audience("orders")), 400)


def _agent(world: World, header: bytes, status: int) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(world.places.agent_socket)
        target = audience("bus").encode()
        connection.sendall(
            b"GET /identity/token?resource=" + target + b" HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n"
        )
        answer = connection.recv(4096)
    assert f" {status} ".encode() in answer.splitlines()[0], answer[:300]
    return answer.splitlines()[0].decode()


def _probe(world: World, workload: str, tried: str, *, allowed: bool) -> str:
    deadline = time.monotonic() + PROBE_SECONDS
    while time.monotonic() < deadline:
        for probe in list(world.probes):
            if (probe.workload, probe.tried) == (workload, tried):
                assert probe.allowed == allowed, f"{tried} as {workload or 'nobody'}: allowed={probe.allowed}"
                return f"{tried}: {'allowed' if allowed else 'denied by the bus'}"
        time.sleep(0.1)
    raise AssertionError(f"the probe did not report {tried!r} as {workload or 'nobody'}")


def _revoked(world: World) -> str:
    token = world.tokens("alice")["access_token"]
    assert world.post("introspection_endpoint", token=token).json()["active"] is True
    expect(world.post("revocation_endpoint", token=token), 200)
    assert world.post("introspection_endpoint", token=token).json()["active"] is False
    return "active before, inactive after"


def _signed_out(world: World) -> str:
    person = world.person("alice")
    before = dict(person.cookies["localhost"])
    answer = world.shop("alice", "POST", "/bff/logout")
    assert answer.status_code in (200, 204, 303), answer.text
    person.cookies["localhost"] = before
    return expect(world.shop("alice", "GET", "/api/orders/orders"), 401)


def _no_secret_in_logs(world: World) -> str:
    logs = sorted((world.places.directory / "logs").glob("*.log"))
    text = "\n".join(log.read_text(errors="replace") for log in logs)
    leaked = [secret for secret in world.secrets_seen if secret in text]
    assert not leaked, f"{len(leaked)} of {len(world.secrets_seen)} secrets stand in the logs"
    return f"{len(world.secrets_seen)} secrets, {len(text.splitlines())} lines"


def _raw(port: int, request_line: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request_line + b"\r\nHost: localhost\r\nX-CSRF: 1\r\nConnection: close\r\n\r\n")
        return connection.recv(4096)
