"""Protect a FastAPI service, route by route:

    protect = Protect(issuer="https://id.example/realms/acme", audience="https://orders.acme.example")
    reader = Depends(protect("orders:read"))

    @app.get("/orders")
    async def orders(caller: VerifiedCaller = reader): ...

Give the dependency as the default, as above. Inside `Annotated[...]` it works too, except where `protect` is a local
variable and the module has `from __future__ import annotations`: FastAPI cannot see it and answers every call 422.
Does not: protect routes that do not ask. A service where every route needs a token uses `keystead.sdk.asgi` around
the whole application, and this for what single routes demand beyond.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from fastapi import HTTPException, Request, Response

from keystead.core.decisions import Journal
from keystead.sdk.access import Guard, refusal_headers
from keystead.sdk.asgi import arrival_of
from keystead.sdk.caller import Refused, VerifiedCaller
from keystead.sdk.demand import demand
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
        self._guard = Guard(verifier or Verifier(issuer=issuer, audience=audience), journal)

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
            outcome = await self._guard.admit(arrival_of(request.scope), wanted)
            if isinstance(outcome, Refused):
                detail = {"error": outcome.error, "error_description": outcome.description}
                headers = dict(refusal_headers(outcome)[1:])
                raise HTTPException(outcome.status, detail, headers)
            if outcome.next_nonce:
                response.headers["dpop-nonce"] = outcome.next_nonce
            return outcome

        return caller
