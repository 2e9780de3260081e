"""Global token revocation: another system says that a person's access must end, everywhere and now."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from keystead.core.decisions import Check, Decision
from keystead.core.errors import OAuthError
from keystead.core.http import NO_STORE, Reply, Request, json_reply
from keystead.core.spec import GLOBAL_REVOCATION, RFC9493, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import resource_error_reply
from keystead.oauth.scopes import GLOBAL_REVOCATION_SCOPE
from keystead.oauth.service_caller import ServiceCaller, json_body, service_caller
from keystead.oauth.subject_identifiers import accounts_of, read_subject
from keystead.storage.ports import Write

ACTION: Final = "global_token_revocation"
REASON: Final = "global_token_revocation"


class GlobalTokenRevocationEndpoint(EndpointPlugin):
    """Ends every session, grant and token of a person.

    Shape: POST `{"sub_id": {"format": ..., ...}}` with an access token of the caller's own that has the scope
    `global_token_revocation`; 204 once it is durable, 404 for a subject unknown here.
    Does not: disable the account. The person can sign in again.
    """

    path: ClassVar[str] = "global-token-revocation"
    methods: ClassVar[frozenset[str]] = frozenset({"POST"})
    specs: ClassVar[tuple[Section, ...]] = (GLOBAL_REVOCATION["3"], RFC9493["3"])

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where it is."""
        return {"global_token_revocation_endpoint": f"{issuer}/{self.path}"}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one request."""
        caller: ServiceCaller | None = None
        try:
            caller = await service_caller(request, cx, (GLOBAL_REVOCATION_SCOPE,))
            subject = read_subject(json_body(request).get("sub_id"))
        except OAuthError as error:
            _record(request, caller, error.reason, cx)
            return resource_error_reply(error, request)
        ended = await cx.store.write(lambda: _end(subject, request, cx))
        if not ended:
            _record(request, caller, "subject.unknown", cx)
            return json_reply({"error": "not_found", "error_description": "there is no such subject"}, status=404)
        for account_id in ended:
            _record(request, caller, "subject.revoked", cx, account_id)
        return Reply(204, (*NO_STORE, *caller.headers))


def _end(subject: dict[str, str], request: Request, cx: ServerContext) -> Write[list[str]]:
    accounts = yield from accounts_of(subject, request.realm, cx.issuer(request.realm), request.now)
    for account in accounts:
        yield from cx.end_authority(request.realm, account.id, REASON, request.now)
    return [account.id for account in accounts]


def _record(
    request: Request, caller: ServiceCaller | None, reason: str, cx: ServerContext, account_id: str = ""
) -> None:
    cx.journal.record(
        Decision(
            action=ACTION,
            allowed=bool(account_id),
            reason=reason,
            trace=request.trace,
            realm=request.realm,
            subject=account_id,
            client_id=caller.client.id if caller is not None else "",
            checks=(Check("access_token", caller is not None, "a service's own, with the scope"),),
        )
    )
