"""What the endpoints of the authorization API have in common: the stores, who may ask, the limits; and one call.

Flow: `table` finds the endpoint -> `Service.answer` asks who calls -> the endpoint gets a `Call` and gives a reply ->
what it raises becomes OpenFGA's error body.
Does not: know tokens. `authorize` does: `keystead.api.access` on a server, `anybody_of` where a service embeds the API.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from keystead.api.callers import Authorize, Caller
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.state_headers import MODEL_HEADER, revision_asked
from keystead.authz.engine.allowance import Allowance
from keystead.authz.errors import InvalidQuery, InvalidRelationship
from keystead.authz.served import (
    AuthorizationStores,
    ForeignToken,
    KeptByConfiguration,
    Opened,
    UnknownModel,
    UnknownStore,
)
from keystead.core.decisions import Decision, Journal
from keystead.core.errors import StorageError
from keystead.core.http import Headers, Reply, Request, json_reply

_CONSISTENCIES: Final = {"", 0, 100, "UNSPECIFIED", "MINIMIZE_LATENCY"}
_NEWEST: Final = {200, "HIGHER_CONSISTENCY"}
_RETRY_AFTER: Final = ((b"retry-after", b"5"),)
_logger = logging.getLogger("keystead.http")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one request may ask for. The defaults are OpenFGA's; `seconds` of looking for answers are ours."""

    checks_per_batch: int = 50
    tuples_per_write: int = 100
    contextual_tuples: int = 100
    types_per_model: int = 100
    model_bytes: int = 262_144
    condition_context_bytes: int = 32_768
    resolution_depth: int = 25
    seconds: float = 1.0


class Everybody(NamedTuple):
    """A caller who was not asked for a token."""

    realm: str
    headers: Headers = ()
    subject: str = ""
    client_id: str = ""


def anybody_of(realm: str) -> Authorize:
    """Open the stores of one realm to whoever calls. For a service that embeds the API and guards it itself."""
    caller = Everybody(realm)

    async def authorize(request: Request, scope: str) -> Caller | Reply:
        return caller

    return authorize


class _Silence:
    """A journal that keeps nothing."""

    def record(self, decision: Decision) -> None:
        """Let it go."""


@dataclass(frozen=True, slots=True)
class Service:
    """The parts behind the endpoints. One per process."""

    stores: AuthorizationStores
    authorize: Authorize
    limits: Limits = field(default_factory=Limits)
    journal: Journal = field(default_factory=_Silence)


class Call(msgspec.Struct):
    """One request for one endpoint: whose, which store, and the last part of the path (a model) where there is one."""

    service: Service
    request: Request
    caller: Caller
    store: str = ""
    last: str = ""
    allowance: Allowance | None = None

    @property
    def realm(self) -> str:
        """The realm whose stores are meant."""
        return self.caller.realm

    @property
    def stores(self) -> AuthorizationStores:
        """The stores of every realm."""
        return self.service.stores

    async def open(self, model: str, consistency: str | int) -> Opened:
        """Return the store under a model, as new as the request wants it. Raises: ApiFault."""
        newest = consistency in _NEWEST
        if not newest and consistency not in _CONSISTENCIES:
            raise ApiFault(VALIDATION, f"invalid value for enum field consistency: {consistency!r}")
        at_least = revision_asked(self.request, self.store)
        return await self.stores.open(self.realm, self.store, model, at_least=at_least, newest=newest)

    def spend(self) -> None:
        """Look on only while the request has time. Raises: OutOfTime."""
        if self.allowance is None:
            self.allowance = Allowance(self.service.limits.seconds, time.monotonic)
        self.allowance.spend()

    async def give_way(self) -> None:
        """Let others be served. What that takes is not counted against this request."""
        begun = time.monotonic()
        await asyncio.sleep(0)
        if self.allowance is not None:
            self.allowance.extend(time.monotonic() - begun)

    def reply(self, document: object, model: str = "", status: int = 200) -> Reply:
        """Return a JSON reply that says which model it came from."""
        return json_reply(document, status=status, headers=self.headers(model))

    def headers(self, model: str = "") -> Headers:
        """Return the headers of a reply."""
        own: Headers = ((b"cache-control", b"no-store"), *self.caller.headers)
        return (*own, (MODEL_HEADER, model.encode("ascii"))) if model else own

    def tell(self, action: str, allowed: bool, reason: str, /, **facts: object) -> None:
        """Write a decision into the journal."""
        subject, client = self.caller.subject, self.caller.client_id
        trace, facts = self.request.trace, {"store": self.store, **facts}
        self.service.journal.record(Decision(action, allowed, reason, trace, self.realm, subject, client, facts=facts))


def fault_of(error: Exception) -> ApiFault | None:
    """Return the API's error for what the catalogue or the engine raised; None for what is our own fault."""
    match error:
        case ApiFault():
            return error
        case UnknownStore():
            return ApiFault("store_id_not_found", "Store ID not found")
        case UnknownModel(model=""):
            return ApiFault(
                "latest_authorization_model_not_found", f"No authorization models found for store '{error.store}'"
            )
        case UnknownModel():
            return ApiFault("authorization_model_not_found", f"Authorization Model '{error.model}' not found")
        case KeptByConfiguration():
            return ApiFault("forbidden", str(error))
        case ForeignToken() | InvalidQuery() | InvalidRelationship():
            return ApiFault(VALIDATION, str(error))
        case StorageError():
            _logger.error("storage failed: %s", error)
            return ApiFault("unavailable", "Try again in a moment.", _RETRY_AFTER)
    return None
