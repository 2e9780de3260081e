"""All of `/bff`: which endpoint answers a path, and what becomes of an error."""

from __future__ import annotations

import logging
from typing import Final

from keystead.core.errors import InvalidRequest, StorageUnavailable, UpstreamError
from keystead.core.http import Reply
from keystead.core.trace import TraceContext
from keystead.gateway.admission import Asked
from keystead.gateway.bff.backchannel_logout import BackchannelLogoutEndpoint
from keystead.gateway.bff.call import BffContext, BffEndpoint, Call, malformed
from keystead.gateway.bff.callback import CallbackEndpoint
from keystead.gateway.bff.login import LoginEndpoint
from keystead.gateway.bff.logout import LogoutEndpoint
from keystead.gateway.bff.user import UserEndpoint
from keystead.gateway.head import RequestHead
from keystead.gateway.refusals import Refusal, refuse

ENDPOINTS: Final[tuple[BffEndpoint, ...]] = (
    LoginEndpoint(),
    CallbackEndpoint(),
    LogoutEndpoint(),
    BackchannelLogoutEndpoint(),
    UserEndpoint(),
)
_ACTION: Final = "gateway.bff"
_log = logging.getLogger(__name__)


class Bff:
    """Answers `/bff`."""

    def __init__(self, cx: BffContext) -> None:
        self._cx = cx
        self._endpoints = {endpoint.path: endpoint for endpoint in ENDPOINTS}

    async def answer(self, head: RequestHead, asked: Asked, body: bytes, trace: TraceContext) -> Reply:
        """Answer one request. Never raises."""
        path = asked.path.decode("ascii")
        call = Call(head, path, asked.query[1:], body, asked.handle, trace)
        endpoint = self._endpoints.get(path)
        if endpoint is None:
            return self._cx.refuse(call, refuse(404, "route.unknown", "There is nothing here."), _ACTION)
        if head.method not in endpoint.methods:
            return self._cx.refuse(call, _not_allowed(endpoint), _ACTION)
        try:
            return await endpoint.answer(call, self._cx)
        except InvalidRequest as error:
            return self._cx.refuse(call, malformed(error.reason, error.description), _ACTION)
        except UpstreamError as error:
            _log.warning("%s: %s", path, error)
            return self._cx.refuse(call, _unavailable("issuer.unavailable"), _ACTION)
        except StorageUnavailable as error:
            _log.warning("%s: %s", path, error)
            return self._cx.refuse(call, _unavailable("storage.unavailable"), _ACTION)
        except Exception:  # noqa: BLE001 - the last resort: logged once, answered without detail
            _log.exception("%s failed", path)
            return self._cx.refuse(call, refuse(500, "bff.failed", "Something went wrong on our side."), _ACTION)


def _not_allowed(endpoint: BffEndpoint) -> Refusal:
    allow = ((b"allow", b", ".join(sorted(endpoint.methods))),)
    return Refusal(405, "method.not_allowed", "method_not_allowed", "Use another method here.", headers=allow)


def _unavailable(reason: str) -> Refusal:
    headers = ((b"retry-after", b"2"),)
    description = "Signing in and out is not possible right now. Try again in a moment."
    return Refusal(503, reason, "temporarily_unavailable", description, headers=headers)
