"""The revocation endpoint: a client says that a token must not work any more."""

from __future__ import annotations

from typing import Any, Final

from keystead.core.decisions import Check, Credential, Decision, Denied
from keystead.core.errors import OAuthError, StorageError, UnauthorizedClient
from keystead.core.forms import Form, Token, Word, read_body, read_form
from keystead.core.http import NO_STORE, Reply, Request
from keystead.core.records.grant import Grant
from keystead.core.records.realm import Realm
from keystead.core.spec import RFC7009
from keystead.oauth.access_tokens import credential_of, read_access_token
from keystead.oauth.catalogue import client_authentications
from keystead.oauth.client_authentication import Caller, authenticate_client
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import error_reply, storage_failed
from keystead.oauth.refresh_tokens import REFRESH_PREFIX, read_refresh_token
from keystead.oauth.revocations import revoke_access_token, revoke_grant
from keystead.storage.ports import get

ACTION: Final = "token.revoke"
REASON: Final = "client.revoked"


class RevocationForm(Form, frozen=True, kw_only=True):
    """The parameters. The hint is not needed: our tokens tell their kind."""

    token: Token
    token_type_hint: Word = ""


class RevokeEndpoint(EndpointPlugin):
    """Ends a token of the client that asks: an access token alone, or with a refresh token the whole grant.

    Shape: POST `token`; 200 without a body once the end is durable, also for a token that was never good.
    Does not: answer 200 when the store failed (the server says 503), or end somebody else's token.
    Spec: RFC 7009 sections 2.1 and 2.2.
    """

    path = "revoke"
    methods = frozenset({"POST"})
    specs = (RFC7009["2.1"], RFC7009["2.2"], RFC7009["2.2.1"])
    fast = True

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where it is and how to authenticate."""
        return {
            "revocation_endpoint": f"{issuer}/{self.path}",
            "revocation_endpoint_auth_methods_supported": sorted(one.method for one in client_authentications()),
        }

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return how the clients of this realm authenticate here."""
        offered = sorted(method.method for method in client_authentications() if method.offered(realm))
        return {"revocation_endpoint_auth_methods_supported": offered}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Revoke one token. Storage failures escape to the server, which answers 503."""
        caller: Caller | None = None
        try:
            parameters = read_body(request)
            form = read_form(parameters, RevocationForm)
            caller = await authenticate_client(request, parameters, cx, client_authentications())
            credential, reason = await _revoke(form.token, caller, request, cx)
        except OAuthError as error:
            cx.journal.record(_decision(request, caller, None, error.reason, error))
            return error_reply(error)
        except StorageError as error:
            cx.journal.record(_decision(request, caller, None, "storage.unavailable", storage_failed(error)))
            raise
        cx.journal.record(_decision(request, caller, credential, reason, None))
        return Reply(200, NO_STORE)


async def _revoke(token: str, caller: Caller, request: Request, cx: ServerContext) -> tuple[Credential | None, str]:
    """End what the token is. Answer: what it was, and what came of it."""
    if token.startswith(REFRESH_PREFIX):
        return await _revoke_refresh_token(token, caller, request, cx)
    claims = await read_access_token(token, request.realm, request.now, cx)
    if isinstance(claims, Denied):
        return None, claims.reason
    _require_own(claims.client_id, caller)
    await cx.store.write(lambda: revoke_access_token(request.realm, claims, REASON, request.now))
    return credential_of(claims, token), "token.revoked"


async def _revoke_refresh_token(
    token: str, caller: Caller, request: Request, cx: ServerContext
) -> tuple[Credential | None, str]:
    realm, now = request.realm, request.now
    shown = read_refresh_token(cx.sealer, realm, token)
    grant = await cx.store.read(get(Grant, realm, shown.grant_id, now)) if shown is not None else None
    if grant is None:
        return None, "refresh_token.ended"
    _require_own(grant.client_id, caller)
    await cx.store.write(lambda: revoke_grant(realm, grant.id, REASON, now))
    return Credential(kind="refresh_token", client_id=grant.client_id, subject=grant.subject), "grant.revoked"


def _require_own(client_id: str, caller: Caller) -> None:
    if client_id != caller.client.id:
        raise UnauthorizedClient(
            "the token was issued to another client",
            reason="revocation.not_the_holder",
            detail=f"issued to {client_id}, shown by {caller.client.id}",
        )


def _decision(
    request: Request, caller: Caller | None, credential: Credential | None, reason: str, error: OAuthError | None
) -> Decision:
    return Decision(
        action=ACTION,
        allowed=error is None,
        reason=reason,
        trace=request.trace,
        realm=request.realm,
        subject=credential.subject if credential is not None else "",
        client_id=caller.client.id if caller is not None else "",
        credential=credential,
        checks=(*(caller.checks if caller is not None else ()), Check("token", error is None, reason)),
        facts={"error": error.code, "detail": error.detail or error.description} if error is not None else {},
    )
