"""/stores: make, list, look at and remove stores.

Shape: a store is `{"id", "name", "created_at", "updated_at", "deleted_at": null}`.
Does not: show another realm's stores, or remove what the configuration file keeps.
"""

from __future__ import annotations

from typing import Final

from keystead.api.openfga import rules
from keystead.api.openfga.bodies import Body
from keystead.api.openfga.messages import CreateStore
from keystead.api.openfga.paging import continuation_token, position_of
from keystead.api.openfga.queries import query_of
from keystead.api.openfga.service import Call
from keystead.api.openfga.times import text_of_milliseconds
from keystead.core.http import Reply
from keystead.core.records.authorization import AuthorizationStore

_body: Final = Body(CreateStore)
_LARGEST_PAGE: Final = 100
_PAGE: Final = 50


async def create_store(call: Call) -> Reply:
    """Make a store. Raises: ApiFault."""
    asked = _body.read(call.request.body)
    rules.require(rules.STORE_NAME, "CreateStoreRequest.Name", asked.name)
    store = await call.stores.create(call.realm, asked.name)
    call.tell("authz.store", True, "authz.store_created", created=store.id, name=store.name)
    message = _message(store)
    del message["deleted_at"]
    return call.reply(message, status=201)


async def list_stores(call: Call) -> Reply:
    """List stores, all of them or those of one name. Raises: ApiFault."""
    query = query_of(call.request, "ListStoresRequest")
    limit = query.page_size(_LARGEST_PAGE, _PAGE)
    token, name = query.token(), query.text("name")
    rules.require_if_any(rules.STORE_NAME, "ListStoresRequest.Name", name)
    (after,) = position_of(token, "stores", call.realm, 1) or ("",)
    found = await call.stores.list_stores(call.realm, name=name, after=after, limit=limit + 1)
    page = found[:limit]
    following = continuation_token("stores", call.realm, page[-1].id) if len(found) > limit else ""
    return call.reply({"stores": [_message(store) for store in page], "continuation_token": following})


async def get_store(call: Call) -> Reply:
    """Show a store. Raises: ApiFault."""
    return call.reply(_message(await call.stores.find(call.realm, call.store)))


async def delete_store(call: Call) -> Reply:
    """Remove a store with all it holds. Raises: ApiFault."""
    await call.stores.delete(call.realm, call.store)
    call.tell("authz.store", True, "authz.store_deleted")
    return Reply(204, call.headers())


def _message(store: AuthorizationStore) -> dict[str, object]:
    made, changed = text_of_milliseconds(store.created_at), text_of_milliseconds(store.updated_at)
    return {"id": store.id, "name": store.name, "created_at": made, "updated_at": changed, "deleted_at": None}
