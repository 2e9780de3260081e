"""Protect a Flask service, view by view:

    protect = Protect(issuer="https://id.example/realms/acme", audience="https://orders.acme.example")
    allowed = Allowed(protect, open_sync("sqlite:///tuples.db", model=MODEL))

    @app.get("/orders/<order_id>")
    @allowed("viewer", "order:{order_id}", scope="orders:read")
    def one(order_id): return {"for": g.keystead.caller.subject}

`g.keystead` is the `VerifiedCaller` after `protect`, the `Permitted` after `allowed`. The decorator stands below the
route's. Views may be coroutines.
Does not: protect views that do not ask. `keystead.sdk.wsgi` around the whole application protects them all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import Any, Unpack

from flask import Response, after_this_request, current_app, g, request

from keystead.core.decisions import Journal
from keystead.sdk.access import Guard, refusal_body, refusal_headers
from keystead.sdk.blocking_guard import BlockingGuard, arrival_in
from keystead.sdk.caller import Refused, VerifiedCaller
from keystead.sdk.demand import Demand, demand
from keystead.sdk.relations import Demands, Engine, Relations
from keystead.sdk.verifier import Verifier

View = Callable[..., Any]


class Protect:
    """Makes decorators that admit a caller or answer 401, 403 or 503. One per service."""

    def __init__(
        self,
        *,
        issuer: str = "",
        audience: str = "",
        journal: Journal | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        self.journal = journal
        self.guard = BlockingGuard(Guard(verifier or Verifier(issuer=issuer, audience=audience), journal))

    def __call__(
        self,
        *scopes: str,
        acr: str | Collection[str] = (),
        max_auth_age: int | None = None,
        actors: str | Collection[str] | None = None,
    ) -> Callable[[View], View]:
        """Return a decorator that demands these scopes, sign-in level, age of sign-in (seconds) and calling parties.

        Raises: ConfigurationError at import of the service when a demand is malformed.
        """
        wanted = demand(" ".join(scopes), acr, max_auth_age, actors)

        def decorate(view: View) -> View:
            @wraps(view)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                caller = _admitted(self.guard, wanted)
                if isinstance(caller, Refused):
                    return _refusal(caller)
                g.keystead = caller
                return current_app.ensure_sync(view)(*args, **kwargs)

            return guarded

        return decorate


class Allowed:
    """Makes decorators that demand a relation to the object a path names, beside everything `Protect` demands.

    One per service. The engine is one of `keystead.authz.open_sync`. `user`, `service` and `claims` say how callers
    become users of the model: see `keystead.sdk.relations`. Decisions go to the journal of `protect`.
    """

    def __init__(
        self,
        protect: Protect,
        engine: Engine,
        *,
        user: str = "user",
        service: str = "",
        claims: Mapping[str, str] | None = None,
    ) -> None:
        self._guard = protect.guard
        self._relations = Relations(engine, user=user, service=service, claims=claims, journal=protect.journal)

    def __call__(
        self,
        relation: str,
        object: str,
        *,
        scope: str | Collection[str] = (),
        context: Callable[[], Mapping[str, object]] | None = None,
        **demands: Unpack[Demands],
    ) -> Callable[[View], View]:
        """Return a decorator: the caller may `relation` the `object` (`order:{order_id}`, filled from the path).

        `g.keystead` is a `Permitted` then. Else it answers 401 and 403 as `Protect` does, 404 when there is no such
        relation (403 to those who have the one of `visible_by`), and 503 when it cannot be decided. `context` gives
        the parameters of conditions for the request.
        Raises: ConfigurationError at import of the service, when the model has no such relation.
        """
        rule = self._relations.rule(relation, object, scope, **demands)

        def decorate(view: View) -> View:
            @wraps(view)
            def permitted(*args: Any, **kwargs: Any) -> Any:
                caller = _admitted(self._guard, rule.wanted)
                if isinstance(caller, Refused):
                    return _refusal(caller)
                parts = request.view_args or {}
                outcome = self._relations.decide_blocking(rule, caller, parts, context() if context else None)
                if isinstance(outcome, Refused):
                    return _refusal(outcome)
                g.keystead = outcome
                return current_app.ensure_sync(view)(*args, **kwargs)

            return permitted

        return decorate


def _admitted(guard: BlockingGuard, wanted: Demand) -> VerifiedCaller | Refused:
    g.pop("keystead", None)
    outcome = guard.admit(arrival_in(request.environ), wanted)
    if isinstance(outcome, VerifiedCaller) and outcome.next_nonce:
        nonce = outcome.next_nonce

        @after_this_request
        def tell(response: Response) -> Response:
            response.headers["DPoP-Nonce"] = nonce
            return response

    return outcome


def _refusal(refused: Refused) -> Response:
    return Response(refusal_body(refused), refused.status, list(refusal_headers(refused)))
