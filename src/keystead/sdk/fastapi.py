"""Protect a FastAPI service, route by route:

    protect = Protect(issuer="https://id.example/realms/acme", audience="https://orders.acme.example")
    reader = Depends(protect("orders:read"))

    @app.get("/orders")
    async def orders(caller: VerifiedCaller = reader): ...

What a route demands of the caller's relation to the thing its path names goes into the same line:

    allowed = Allowed(protect, engine)
    order = Depends(allowed("viewer", "order:{order_id}", scope="orders:read", acr="2"))

    @app.get("/orders/{order_id}")
    async def one(order_id: str, permitted: Permitted = order): ...

Give the dependency as the default, as above. Inside `Annotated[...]` it works too, except where `protect` is a local
variable and the module has `from __future__ import annotations`: FastAPI cannot see it and answers every call 422.
Does not: protect routes that do not ask. A service where every route needs a token uses `keystead.sdk.asgi` around
the whole application, and this for what single routes demand beyond.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Unpack

from fastapi import HTTPException, Request, Response

from keystead.core.decisions import Journal
from keystead.sdk.access import Guard, refusal_headers
from keystead.sdk.asgi import arrival_of
from keystead.sdk.caller import Refused, VerifiedCaller
from keystead.sdk.demand import Demand, demand
from keystead.sdk.relations import Demands, Engine, Permitted, Relations
from keystead.sdk.verifier import Verifier


class Protect:
    """Makes dependencies that return the `VerifiedCaller` or answer 401, 403 or 503. One per service."""

    def __init__(
        self,
        *,
        issuer: str = "",
        audience: str = "",
        journal: Journal | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        self.guard = Guard(verifier or Verifier(issuer=issuer, audience=audience), journal)

    def __call__(
        self,
        *scopes: str,
        acr: str | Collection[str] = (),
        max_auth_age: int | None = None,
        actors: str | Collection[str] | None = None,
    ) -> Callable[[Request, Response], Awaitable[VerifiedCaller]]:
        """Return a dependency that demands these scopes, sign-in level, age of sign-in (seconds) and calling parties.

        Raises: ConfigurationError at import of the service, not at the first request, when a demand is malformed.
        """
        wanted = demand(" ".join(scopes), acr, max_auth_age, actors)

        async def caller(request: Request, response: Response) -> VerifiedCaller:
            return await _admitted(self.guard, request, response, wanted)

        return caller


class Allowed:
    """Makes dependencies that demand a relation to the object a path names, beside everything `Protect` demands.

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
        self._guard = protect.guard
        self._relations = Relations(engine, user=user, service=service, claims=claims, journal=protect.guard.journal)

    def __call__(
        self,
        relation: str,
        object: str,
        *,
        scope: str | Collection[str] = (),
        context: Callable[[Request], Mapping[str, object]] | None = None,
        **demands: Unpack[Demands],
    ) -> Callable[[Request, Response], Awaitable[Permitted]]:
        """Return a dependency: the caller may `relation` the `object` (`order:{order_id}`, filled from the path).

        It gives a `Permitted`, or answers 401 and 403 as `Protect` does, 404 when there is no such relation (403 to
        those who have the one of `visible_by`), and 503 when it cannot be decided. `context` gives the parameters of
        conditions for a request.
        Raises: ConfigurationError at import of the service, when the model has no such relation.
        """
        rule = self._relations.rule(relation, object, scope, **demands)

        async def permitted(request: Request, response: Response) -> Permitted:
            caller = await _admitted(self._guard, request, response, rule.wanted)
            given = context(request) if context is not None else None
            outcome = await self._relations.decide(rule, caller, request.path_params, given)
            if isinstance(outcome, Refused):
                raise _refusal(outcome)
            return outcome

        return permitted


async def _admitted(guard: Guard, request: Request, response: Response, wanted: Demand) -> VerifiedCaller:
    outcome = await guard.admit(arrival_of(request.scope), wanted)
    if isinstance(outcome, Refused):
        raise _refusal(outcome)
    if outcome.next_nonce:
        response.headers["dpop-nonce"] = outcome.next_nonce
    return outcome


def _refusal(refused: Refused) -> HTTPException:
    detail = {"error": refused.error, "error_description": refused.description}
    return HTTPException(refused.status, detail, dict(refusal_headers(refused)[1:]))
