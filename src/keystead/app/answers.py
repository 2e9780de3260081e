"""What stands around every endpoint: the realm must be there and enabled, and each error becomes its reply."""

from __future__ import annotations

import logging
from typing import Final

from keystead.app.http_server.application import Handler
from keystead.app.http_server.framing import refusal_reply
from keystead.core.errors import OAuthError, StorageError, TemporarilyUnavailable
from keystead.core.http import Reply, Request
from keystead.core.records.realm import Realm
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import error_reply
from keystead.storage.ports import get

_logger = logging.getLogger("keystead.http")
_NO_REALM: Final = refusal_reply(404, "There is no such realm here.", "not_found")


def guarded(plugin: EndpointPlugin, cx: ServerContext) -> Handler:
    """Return the handler of an endpoint: a realm that is unknown or disabled is answered 404 before it."""

    async def answer(request: Request) -> Reply:
        try:
            realm = await cx.store.read(get(Realm, request.realm, request.realm, request.now))
            if realm is None or not realm.enabled:
                return _NO_REALM
            return await plugin.handle(request, cx)
        except OAuthError as error:
            return error_reply(error)
        except StorageError as error:
            _logger.error("request %s: storage failed: %s", request.trace.trace_id, error)
            return error_reply(
                TemporarilyUnavailable("Try again in a moment.", reason="storage.unavailable", detail=str(error))
            )

    return answer
