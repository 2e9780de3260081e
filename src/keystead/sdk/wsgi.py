"""Protect a WSGI application:

    app = KeysteadWsgi(app, issuer="https://id.example/realms/acme", audience="https://orders.acme.example")

The `VerifiedCaller` is in `environ["keystead"]`. `keystead.sdk.flask` and `keystead.sdk.django` demand more of single
routes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from keystead.core.decisions import Journal
from keystead.sdk.access import Guard, refusal_body, refusal_headers
from keystead.sdk.blocking_guard import BlockingGuard, arrival_in
from keystead.sdk.caller import Refused
from keystead.sdk.demand import Demand
from keystead.sdk.verifier import Verifier

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

ENVIRON_KEY: Final = "keystead"
_ANYTHING: Final = Demand()
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
        self._guard = BlockingGuard(Guard(verifier or Verifier(issuer=issuer, audience=audience), journal))
        self._demand_for = demand_for

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        environ.pop(ENVIRON_KEY, None)
        wanted = _ANYTHING if self._demand_for is None else self._demand_for(environ)
        if wanted is None:
            return self._app(environ, start_response)
        outcome = self._guard.admit(arrival_in(environ), wanted)
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
