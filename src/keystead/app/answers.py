"""What stands around every endpoint: the realm must be there and enabled, and each error becomes its reply."""

from __future__ import annotations

import logging
from typing import Final

from keystead.app.http_server.application import Handler
from keystead.app.http_server.framing import refusal_reply
from keystead.core.errors import OAuthError, StorageError, TemporarilyUnavailable
from keystead.core.http import Reply, Request
from keystead.core.pages import Problem
from keystead.core.records.realm import Realm
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import error_reply
from keystead.storage.ports import get

_logger = logging.getLogger("keystead.http")
_RETRY_AFTER: Final = 5
_NO_REALM: Final = refusal_reply(404, "There is no such realm here.", "not_found")


def guarded(plugin: EndpointPlugin, cx: ServerContext) -> Handler:
    """Return the handler of an endpoint: a realm that is unknown or disabled is answered 404 before it.

    The reads of a fast endpoint, which suspends for nothing but a write, are at one snapshot.
    """
    store, fast = cx.store, plugin.fast

    async def answer(request: Request) -> Reply:
        if fast:
            store.hold()
        try:
            realm = await store.read(get(Realm, request.realm, request.realm, request.now))
            if realm is None or not realm.enabled:
                return _NO_REALM
            return await plugin.handle(request, cx)
        except OAuthError as error:
            return error_reply(error)
        except StorageError as error:
            _logger.error("request %s: storage failed: %s", request.trace.trace_id, error)
            if plugin.page:
                return _storage_page(request, cx)
            return error_reply(
                TemporarilyUnavailable("Try again in a moment.", reason="storage.unavailable", detail=str(error))
            )
        except Exception as error:
            if not plugin.page:
                raise
            _logger.error("request %s failed: %s", request.trace.trace_id, type(error).__name__, exc_info=error)
            return _failure_page(request, cx)
        finally:
            if fast:
                store.release()

    return answer


def _storage_page(request: Request, cx: ServerContext) -> Reply:
    return cx.pages.problem(
        Problem(
            realm=request.realm,
            title="We cannot answer right now",
            message="Something this page needs is not available. Nothing was changed.",
            advice="Wait a moment, then try again.",
            code="temporarily_unavailable",
            status=503,
            retry_after=_RETRY_AFTER,
            reference=request.trace.trace_id,
        )
    )


def _failure_page(request: Request, cx: ServerContext) -> Reply:
    """Return the page of last resort. What failed stands in the log, under the reference."""
    return cx.pages.problem(
        Problem(
            realm=request.realm,
            title="Something went wrong here",
            message="This is our fault, not yours.",
            advice="Go back to the application and try again. If it keeps happening, tell whoever runs it.",
            code="server_error",
            status=500,
            reference=request.trace.trace_id,
        )
    )
