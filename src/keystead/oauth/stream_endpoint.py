"""What the endpoints of event streams do alike: find out who calls, journal it, and answer errors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from keystead.core.decisions import Check, Decision
from keystead.core.errors import OAuthError
from keystead.core.http import NO_STORE, Headers, Reply, Request, json_reply
from keystead.oauth.access_tokens import credential_of
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import resource_error_reply
from keystead.oauth.event_streams import StreamUnknown
from keystead.oauth.scopes import SSF_MANAGE, SSF_READ
from keystead.oauth.service_caller import ServiceCaller, service_caller

READERS: Final = (SSF_READ, SSF_MANAGE)
MANAGERS: Final = (SSF_MANAGE,)


class StreamEndpoint(EndpointPlugin):
    """One endpoint of event streams. `scopes` says who may use which method."""

    scopes: ClassVar[Mapping[str, tuple[str, ...]]]
    action: ClassVar[str]

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one call."""
        caller: ServiceCaller | None = None
        try:
            caller = await service_caller(request, cx, self.scopes[request.method])
            reply = await self.answer(request, caller, cx)
        except StreamUnknown:
            self._record(request, caller, "stream.unknown", cx, allowed=False)
            return json_reply({"error": "not_found", "error_description": "there is no such stream"}, status=404)
        except OAuthError as error:
            self._record(request, caller, error.reason, cx, allowed=False)
            return resource_error_reply(error, request)
        self._record(request, caller, f"stream.{request.method.lower()}", cx, allowed=reply.status < 400)
        return Reply(reply.status, (*reply.headers, *caller.headers), reply.body)

    @abstractmethod
    async def answer(self, request: Request, caller: ServiceCaller, cx: ServerContext) -> Reply:
        """Answer a caller. Raises StreamUnknown and OAuthError."""

    def _record(
        self, request: Request, caller: ServiceCaller | None, reason: str, cx: ServerContext, *, allowed: bool
    ) -> None:
        cx.journal.record(
            Decision(
                action=self.action,
                allowed=allowed,
                reason=reason,
                trace=request.trace,
                realm=request.realm,
                client_id=caller.client.id if caller is not None else "",
                credential=credential_of(caller.claims, "") if caller is not None else None,
                checks=(Check("access_token", caller is not None, "a service's own, with the scope"),),
            )
        )


def empty(status: int, headers: Headers = NO_STORE) -> Reply:
    """Return a reply without a body."""
    return Reply(status, headers)


def text_of(document: Mapping[str, Any], name: str) -> str:
    """Return a text of a document, empty where there is none."""
    value = document.get(name)
    return value if isinstance(value, str) else ""
