"""/stores/{store}/authorization-models: add a model, list them with the newest first, look at one.

Shape: a model is `{"id", "schema_version", "type_definitions", "conditions"}`, never changed once it is there.
"""

from __future__ import annotations

import msgspec

from keystead.api.openfga import rules
from keystead.api.openfga.faults import ApiFault
from keystead.api.openfga.model_rules import require_model
from keystead.api.openfga.paging import continuation_token, position_of
from keystead.api.openfga.queries import query_of
from keystead.api.openfga.service import Call
from keystead.authz.errors import ModelError
from keystead.core.http import Reply
from keystead.core.records.authorization import AuthorizationModelDocument

_LARGEST_PAGE = 100
_PAGE = 50


async def write_model(call: Call) -> Reply:
    """Add a model. Raises: ApiFault."""
    require_model(call.request.body, call.service.limits)
    try:
        model = await call.stores.add_model(call.realm, call.store, call.request.body)
    except ModelError as wrong:
        raise ApiFault("invalid_authorization_model", str(wrong)) from wrong
    call.tell("authz.model", True, "authz.model_written", model=model)
    return call.reply({"authorization_model_id": model}, model, status=201)


async def list_models(call: Call) -> Reply:
    """List models, the newest first. Raises: ApiFault."""
    query = query_of(call.request, "ReadAuthorizationModelsRequest")
    limit = query.page_size(_LARGEST_PAGE, _PAGE)
    (after,) = position_of(query.token(), "models", call.store, 1) or ("",)
    found = await call.stores.models(call.realm, call.store, after=after, limit=limit + 1)
    page = found[:limit]
    following = continuation_token("models", call.store, page[-1].model) if len(found) > limit else ""
    return call.reply({"authorization_models": [_message(each) for each in page], "continuation_token": following})


async def get_model(call: Call) -> Reply:
    """Show one model. Raises: ApiFault."""
    rules.require(rules.ULID, "ReadAuthorizationModelRequest.Id", call.last)
    return call.reply({"authorization_model": _message(await call.stores.model(call.realm, call.store, call.last))})


def _message(found: AuthorizationModelDocument) -> dict[str, object]:
    document = msgspec.json.decode(found.document, type=dict[str, msgspec.Raw])
    return {
        "id": found.model,
        "schema_version": document.get("schema_version", "1.1"),
        "type_definitions": document.get("type_definitions", []),
        "conditions": document.get("conditions", {}),
    }
