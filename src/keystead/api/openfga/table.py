"""Which path and method is whose, and which scope it takes.

Shape: `{base}/stores`, `{base}/stores/{store}`, `{base}/stores/{store}/check`, `.../authorization-models/{model}`,
`{base}/healthz`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from keystead.api.openfga import rules
from keystead.api.openfga.assertions import read_assertions, write_assertions
from keystead.api.openfga.batch_check import batch_check
from keystead.api.openfga.changes import changes
from keystead.api.openfga.check import check
from keystead.api.openfga.expand import expand
from keystead.api.openfga.feed import feed
from keystead.api.openfga.health import healthz
from keystead.api.openfga.list_objects import list_objects, streamed_list_objects
from keystead.api.openfga.list_users import list_users
from keystead.api.openfga.models import get_model, list_models, write_model
from keystead.api.openfga.read import read
from keystead.api.openfga.service import Call, Everybody, Service, fault_of
from keystead.api.openfga.stores import create_store, delete_store, get_store, list_stores
from keystead.api.openfga.write import write
from keystead.core.http import Reply, Request
from keystead.oauth.authorization_api import AUTHZ_ADMIN, AUTHZ_MODEL, AUTHZ_READ, AUTHZ_WRITE

Handler = Callable[[Call], Awaitable[Reply]]
_LARGE: Final = 1_048_576
_SMALL: Final = 65_536


class Operation(NamedTuple):
    """What one method of a path does: the handler, and the scope it takes; no scope: no token either."""

    handler: Handler
    scope: str


class Endpoint(msgspec.Struct, frozen=True):
    """One path: its name in metrics, and what its methods do. `fast` ones wait for nothing but the store."""

    name: str
    operations: Mapping[str, Operation]
    message: str = ""
    maximum_body: int = 0
    fast: bool = True

    @property
    def methods(self) -> frozenset[str]:
        """The methods it answers."""
        return frozenset(self.operations)

    async def answer(self, service: Service, request: Request, store: str, last: str) -> Reply:
        """Answer a request, whatever it is like. Raises: what is nobody's fault but ours."""
        operation = self.operations.get(request.method) or self.operations["GET"]
        caller = await service.authorize(request, operation.scope) if operation.scope else _NOBODY
        if isinstance(caller, Reply):
            return caller
        call = Call(service, request, caller, store, last)
        try:
            if self.message:
                rules.require(rules.ULID, f"{self.message}.StoreId", store)
            return await operation.handler(call)
        except Exception as error:
            fault = fault_of(error)
            if fault is None:
                raise
            reply = fault.reply()
            return Reply(reply.status, (*reply.headers, *call.headers()), reply.body)


_NOBODY: Final = Everybody("")


def _post(name: str, handler: Handler, message: str, scope: str = AUTHZ_READ) -> Endpoint:
    return Endpoint(name, {"POST": Operation(handler, scope)}, message, _LARGE)


_OUTSIDE: Final = {
    "healthz": Endpoint("authz.healthz", {"GET": Operation(healthz, "")}),
    "stores": Endpoint(
        "authz.stores",
        {"GET": Operation(list_stores, AUTHZ_ADMIN), "POST": Operation(create_store, AUTHZ_ADMIN)},
        maximum_body=_SMALL,
    ),
}
_STORE: Final = Endpoint(
    "authz.store",
    {"GET": Operation(get_store, AUTHZ_READ), "DELETE": Operation(delete_store, AUTHZ_ADMIN)},
    "GetStoreRequest",
)
_INSIDE: Final = {
    "check": _post("authz.check", check, "CheckRequest"),
    "batch-check": _post("authz.batch_check", batch_check, "BatchCheckRequest"),
    "expand": _post("authz.expand", expand, "ExpandRequest"),
    "list-objects": _post("authz.list_objects", list_objects, "ListObjectsRequest"),
    "streamed-list-objects": Endpoint(
        "authz.streamed_list_objects",
        {"POST": Operation(streamed_list_objects, AUTHZ_READ)},
        "StreamedListObjectsRequest",
        _LARGE,
        fast=False,
    ),
    "list-users": _post("authz.list_users", list_users, "ListUsersRequest"),
    "read": _post("authz.read", read, "ReadRequest"),
    "write": _post("authz.write", write, "WriteRequest", AUTHZ_WRITE),
    "feed": Endpoint("authz.feed", {"GET": Operation(feed, AUTHZ_READ)}, "ReadFeedRequest", fast=False),
    "changes": Endpoint("authz.changes", {"GET": Operation(changes, AUTHZ_READ)}, "ReadChangesRequest"),
    "authorization-models": Endpoint(
        "authz.models",
        {"GET": Operation(list_models, AUTHZ_READ), "POST": Operation(write_model, AUTHZ_MODEL)},
        "WriteAuthorizationModelRequest",
        _LARGE,
    ),
}
_WITH_MODEL: Final = {
    "authorization-models": Endpoint(
        "authz.model", {"GET": Operation(get_model, AUTHZ_READ)}, "ReadAuthorizationModelRequest"
    ),
    "assertions": Endpoint(
        "authz.assertions",
        {"GET": Operation(read_assertions, AUTHZ_READ), "PUT": Operation(write_assertions, AUTHZ_MODEL)},
        "WriteAssertionsRequest",
        _LARGE,
    ),
}
ENDPOINTS: Final = (*_OUTSIDE.values(), _STORE, *_INSIDE.values(), *_WITH_MODEL.values())
"""Every endpoint, for reference pages and tests."""


class Place(NamedTuple):
    """Where a path leads: the endpoint, and the store and model the path names."""

    endpoint: Endpoint
    store: str = ""
    last: str = ""


def find_place(path: str) -> Place | None:
    """Return where a path below the API's base leads (`/stores/...`), or None."""
    match path.split("/"):
        case ["", name] if name in _OUTSIDE:
            return Place(_OUTSIDE[name])
        case ["", "stores", store] if store:
            return Place(_STORE, store)
        case ["", "stores", store, name] if store and name in _INSIDE:
            return Place(_INSIDE[name], store)
        case ["", "stores", store, name, last] if store and last and name in _WITH_MODEL:
            return Place(_WITH_MODEL[name], store, last)
    return None
