"""Protect a Django service, view by view, synchronous or asynchronous:

    protect = Protect(issuer="https://id.example/realms/acme", audience="https://orders.acme.example")
    allowed = Allowed(protect, engine)

    @allowed("viewer", "order:{order_id}", scope="orders:read")
    def one(request, order_id): return JsonResponse({"for": request.keystead.caller.subject})

`request.keystead` is the `VerifiedCaller` after `protect`, the `Permitted` after `allowed`. Class-based views take the
decorators through `method_decorator`. Asynchronous views take either engine, synchronous ones that of `open_sync`.
Does not: touch `request.user` or sessions, or protect views that do not ask. A view that takes tokens and no cookies
needs no CSRF check: mark it `csrf_exempt`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Unpack

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from keystead.core.decisions import Journal
from keystead.sdk.access import Arrival, Guard, refusal_body, refusal_headers
from keystead.sdk.asgi import arrival_of
from keystead.sdk.blocking_guard import BlockingGuard, arrival_in
from keystead.sdk.caller import Refused, VerifiedCaller
from keystead.sdk.demand import demand
from keystead.sdk.relations import Demands, Engine, Named, Permitted, Relations
from keystead.sdk.verifier import Verifier

View = Callable[..., Any]
ATTRIBUTE = "keystead"


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
        # Synchronous views run beside the server's event loop, so each way has a verifier of its own.
        self.guard = Guard(verifier or Verifier(issuer=issuer, audience=audience), journal)
        self.blocking = BlockingGuard(Guard(verifier or Verifier(issuer=issuer, audience=audience), journal))

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

        async def ask(request: HttpRequest, parts: Named) -> VerifiedCaller | Refused:
            return await self.guard.admit(_arrival(request), wanted)

        def ask_blocking(request: HttpRequest, parts: Named) -> VerifiedCaller | Refused:
            return self.blocking.admit(_arrival(request), wanted)

        return lambda view: _guarded(view, ask, ask_blocking)


class Allowed:
    """Makes decorators that demand a relation to the object a path names, beside everything `Protect` demands.

    One per service. `user`, `service` and `claims` say how callers become users of the model: see
    `keystead.sdk.relations`. Decisions go to the journal of `protect`.
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
        self._protect = protect
        self._relations = Relations(engine, user=user, service=service, claims=claims, journal=protect.journal)

    def __call__(
        self,
        relation: str,
        object: str,
        *,
        scope: str | Collection[str] = (),
        context: Callable[[HttpRequest], Mapping[str, object]] | None = None,
        **demands: Unpack[Demands],
    ) -> Callable[[View], View]:
        """Return a decorator: the caller may `relation` the `object` (`order:{order_id}`, filled from the path).

        `request.keystead` is a `Permitted` then. Else it answers 401 and 403 as `Protect` does, 404 when there is no
        such relation (403 to those who have the one of `visible_by`), and 503 when it cannot be decided. `context`
        gives the parameters of conditions for a request.
        Raises: ConfigurationError at import of the service, when the model has no such relation.
        """
        rule, relations, protect = (
            self._relations.rule(relation, object, scope, **demands),
            self._relations,
            self._protect,
        )

        async def ask(request: HttpRequest, parts: Named) -> Permitted | Refused:
            caller = await protect.guard.admit(_arrival(request), rule.wanted)
            if isinstance(caller, Refused):
                return caller
            return await relations.decide(rule, caller, parts, context(request) if context else None)

        def ask_blocking(request: HttpRequest, parts: Named) -> Permitted | Refused:
            caller = protect.blocking.admit(_arrival(request), rule.wanted)
            if isinstance(caller, Refused):
                return caller
            return relations.decide_blocking(rule, caller, parts, context(request) if context else None)

        return lambda view: _guarded(view, ask, ask_blocking)


def _guarded(view: View, ask: Callable[..., Any], ask_blocking: Callable[..., Any]) -> View:
    """Wrap a view of either kind: ask first, and let only who may through."""

    @wraps(view)
    async def waiting(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        outcome = await ask(request, kwargs)
        if isinstance(outcome, Refused):
            return _refusal(outcome)
        setattr(request, ATTRIBUTE, outcome)
        return _with_nonce(outcome, await view(request, *args, **kwargs))

    @wraps(view)
    def plain(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        outcome = ask_blocking(request, kwargs)
        if isinstance(outcome, Refused):
            return _refusal(outcome)
        setattr(request, ATTRIBUTE, outcome)
        return _with_nonce(outcome, view(request, *args, **kwargs))

    return waiting if iscoroutinefunction(view) else plain


def _arrival(request: HttpRequest) -> Arrival:
    return arrival_of(dict(request.scope)) if isinstance(request, ASGIRequest) else arrival_in(request.META)


def _with_nonce(outcome: VerifiedCaller | Permitted, response: HttpResponseBase) -> HttpResponseBase:
    caller = outcome.caller if isinstance(outcome, Permitted) else outcome
    if caller.next_nonce:
        response["DPoP-Nonce"] = caller.next_nonce
    return response


def _refusal(refused: Refused) -> HttpResponse:
    return HttpResponse(refusal_body(refused), status=refused.status, headers=dict(refusal_headers(refused)))
