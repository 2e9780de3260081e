"""Protect an ASGI application:

    app = KeysteadMiddleware(app, issuer="https://id.example/realms/acme", audience="https://orders.acme.example")

Each request then carries its `VerifiedCaller` in `scope["keystead"]`, or was answered 401, 403 or 503 before it came.
Does not: decide by path on its own. `demand_for` may say what each request demands, and None for public ones.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from keystead.core.decisions import Journal
from keystead.sdk.access import Arrival, Guard, refusal_body, refusal_headers
from keystead.sdk.caller import Refused
from keystead.sdk.demand import Demand
from keystead.sdk.verifier import Verifier

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

SCOPE_KEY: Final = "keystead"
_ANYTHING: Final = Demand()
_POLICY_VIOLATION: Final = 1008


class KeysteadMiddleware:
    """Lets only requests with a good token through to an ASGI application.

    `demand_for(scope)` returns what a request demands (`keystead.sdk.demand(...)`), or None where no token is needed,
    such as a health check. Without it every request needs a valid token for the audience.
    """

    def __init__(
        self,
        app: Application,
        *,
        issuer: str = "",
        audience: str = "",
        verifier: Verifier | None = None,
        journal: Journal | None = None,
        demand_for: Callable[[Scope], Demand | None] | None = None,
    ) -> None:
        self._app = app
        self._guard = Guard(verifier or Verifier(issuer=issuer, audience=audience), journal)
        self._demand_for = demand_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        scope.pop(SCOPE_KEY, None)
        wanted = self._demand(scope)
        if wanted is None:
            await self._app(scope, receive, send)
            return
        arrival = arrival_of(scope)
        outcome = await self._guard.admit(arrival, wanted)
        if not isinstance(outcome, Refused):
            scope[SCOPE_KEY] = outcome
            await self._app(scope, receive, _with_nonce(send, outcome.next_nonce) if outcome.next_nonce else send)
        elif scope["type"] == "http":
            await _answer(outcome, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": outcome.reason})

    def _demand(self, scope: Scope) -> Demand | None:
        if scope["type"] == "lifespan":
            return None
        return _ANYTHING if self._demand_for is None else self._demand_for(scope)


def arrival_of(scope: Scope) -> Arrival:
    """Return what a scope says of a request. The certificate is the one of ASGI's TLS extension.

    Does not: look at a header for it. A service behind a proxy puts the certificate its proxy saw into the extension.
    """
    return Arrival(
        scope.get("method", "WEBSOCKET"),
        scope["path"],
        scope["headers"],
        _certificate(scope),
        scope.get("raw_path", b"").decode("latin-1"),
    )


def _certificate(scope: Scope) -> bytes:
    chain = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain") or ()
    return ssl.PEM_cert_to_DER_cert(chain[0]) if chain else b""


def _with_nonce(send: Send, nonce: str) -> Send:
    async def send_with_nonce(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"dpop-nonce", nonce.encode())]}
        await send(message)

    return send_with_nonce


async def _answer(refused: Refused, send: Send) -> None:
    body = refusal_body(refused)
    headers = [(name.encode(), value.encode("latin-1")) for name, value in refusal_headers(refused)]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
