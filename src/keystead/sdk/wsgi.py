"""Protect a WSGI application:

    app = KeysteadWsgi(app, issuer="https://id.example/realms/acme", audience="https://orders.acme.example")

The `VerifiedCaller` is in `environ["keystead"]`. Verification runs on one event loop in a thread of its own, so that
keys are fetched and kept exactly as in the ASGI form.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import quote

from keystead.core.decisions import Journal
from keystead.sdk.access import Arrival, Guard, refusal_body, refusal_headers
from keystead.sdk.caller import Refused
from keystead.sdk.demand import Demand
from keystead.sdk.verifier import Verifier

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

ENVIRON_KEY: Final = "keystead"
_ANYTHING: Final = Demand()
_PATIENCE: Final = 10.0
_PHRASES: Final = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable"}


class KeysteadWsgi:
    """Lets only requests with a good token through to a WSGI application. Parameters as `KeysteadMiddleware`."""

    def __init__(
        self,
        app: Application,
        *,
        issuer: str = "",
        audience: str = "",
        verifier: Verifier | None = None,
        journal: Journal | None = None,
        demand_for: Callable[[Environ], Demand | None] | None = None,
    ) -> None:
        self._app = app
        self._guard = Guard(verifier or Verifier(issuer=issuer, audience=audience), journal)
        self._demand_for = demand_for
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        environ.pop(ENVIRON_KEY, None)
        wanted = _ANYTHING if self._demand_for is None else self._demand_for(environ)
        if wanted is None:
            return self._app(environ, start_response)
        admission = self._guard.admit(_arrival(environ), wanted)
        outcome = asyncio.run_coroutine_threadsafe(admission, self._running_loop()).result(_PATIENCE)
        if isinstance(outcome, Refused):
            body = refusal_body(outcome)
            headers = [*refusal_headers(outcome), ("content-length", str(len(body)))]
            start_response(f"{outcome.status} {_PHRASES[outcome.status]}", headers)
            return [body]
        environ[ENVIRON_KEY] = outcome
        if not outcome.next_nonce:
            return self._app(environ, start_response)
        nonce = ("dpop-nonce", outcome.next_nonce)

        def start_with_nonce(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*headers, nonce], *more)

        return self._app(environ, start_with_nonce)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="keystead-verifier", daemon=True).start()
            return self._loop


def _arrival(environ: Environ) -> Arrival:
    """Read a WSGI environment. Repeated headers come joined by commas; no token has one, so such a request fails."""
    names = {b"authorization": "HTTP_AUTHORIZATION", b"dpop": "HTTP_DPOP", b"traceparent": "HTTP_TRACEPARENT"}
    headers = [(name, environ[key].encode("latin-1")) for name, key in names.items() if key in environ]
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "").partition("?")[0]
    shown = environ.get("SSL_CLIENT_CERT", "")
    certificate = ssl.PEM_cert_to_DER_cert(shown) if shown else b""
    return Arrival(environ.get("REQUEST_METHOD", ""), path, headers, certificate, raw or quote(path.encode("latin-1")))
