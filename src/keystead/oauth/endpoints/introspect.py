"""The introspection endpoint: is this token good, and what does it say?"""

from __future__ import annotations

from typing import Any, Final

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidClient, OAuthError
from keystead.core.forms import Form, Token, Word, read_body, read_form
from keystead.core.http import NO_STORE, Reply, Request, json_reply
from keystead.core.records.realm import Realm
from keystead.core.spec import RFC7662, RFC9701
from keystead.oauth.catalogue import client_authentications
from keystead.oauth.client_authentication import Caller, authenticate_client
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import error_reply
from keystead.oauth.introspection import Known, Unknown, look
from keystead.oauth.issue import mint_introspection
from keystead.oauth.landscape import landscape
from keystead.oauth.profiles import profile_of

ACTION: Final = "token.introspect"
SIGNED: Final = b"application/token-introspection+jwt"

_INACTIVE: Final = {"active": False}


class IntrospectionForm(Form, frozen=True, kw_only=True):
    """The parameters. The hint is not needed: our tokens tell their kind."""

    token: Token
    token_type_hint: Word = ""


class IntrospectEndpoint(EndpointPlugin):
    """Tells an entitled caller what a token says, if it stands at this moment.

    Shape: POST `token`; JSON `{"active": ...}`, or, for `Accept: application/token-introspection+jwt`, the same as a
    signed JWT (the phantom token). Entitled are the token's own client, and of an API in its audience the service
    behind it and its `introspection_clients`. All others, and every token that does not stand, get active=false.
    Does not: serve public clients.
    """

    path = "introspect"
    methods = frozenset({"POST"})
    specs = (RFC7662["2"], RFC9701["4"], RFC9701["5"])
    fast = True

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where it is and how to authenticate."""
        methods = sorted(method.method for method in client_authentications() if method.method != "none")
        return {
            "introspection_endpoint": f"{issuer}/{self.path}",
            "introspection_endpoint_auth_methods_supported": methods,
        }

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return how the clients of this realm authenticate here."""
        offered = sorted(one.method for one in client_authentications() if one.offered(realm) and one.method != "none")
        return {"introspection_endpoint_auth_methods_supported": offered}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one question."""
        try:
            caller, outcome, signed = await _ask(request, cx)
        except OAuthError as error:
            cx.journal.record(_refused(request, error))
            return error_reply(error)
        cx.journal.record(_decision(request, caller, outcome, "jwt" if signed else "json"))
        if not signed:
            return json_reply(_members(outcome))
        return Reply(200, ((b"content-type", SIGNED), *NO_STORE), signed.encode())


async def _ask(request: Request, cx: ServerContext) -> tuple[Caller, Known | Unknown, str]:
    """Return who asked, what there is to know, and the signed reply where that is wanted."""
    parameters = read_body(request)
    form = read_form(parameters, IntrospectionForm)
    caller = await authenticate_client(request, parameters, cx, client_authentications())
    if caller.method == "none":
        raise InvalidClient("client authentication failed", reason="client.public", detail=caller.client.id)
    outcome = await look(form.token, caller, request, cx)
    if not _wants_signed(request, caller):
        return caller, outcome, ""
    land = await landscape(cx, request.realm, request.now)
    return caller, outcome, await mint_introspection(_members(outcome), caller.client, land.realm, request.now, cx)


def _members(outcome: Known | Unknown) -> dict[str, Any]:
    return {"active": True, **outcome.members} if isinstance(outcome, Known) else _INACTIVE


def _wants_signed(request: Request, caller: Caller) -> bool:
    """Return whether the signed form is accepted by name, or the only one this client may have.

    Wildcards get JSON. Spec: RFC 9701 section 4.
    """
    if profile_of(caller.client).signed_introspection or caller.client.introspection_encrypted_response_alg:
        return True
    accepted = [value for name, value in request.headers if name == b"accept"]
    return SIGNED in b",".join(accepted).lower()


def _decision(request: Request, caller: Caller, outcome: Known | Unknown, form: str) -> Decision:
    active = isinstance(outcome, Known)
    reason = "token.active" if isinstance(outcome, Known) else outcome.why.reason
    why = "entitled, and everything the token rests on is live" if isinstance(outcome, Known) else outcome.why.detail
    return Decision(
        action=ACTION,
        allowed=active,
        reason=reason,
        trace=request.trace,
        realm=request.realm,
        subject=outcome.credential.subject if outcome.credential is not None else "",
        client_id=caller.client.id,
        credential=outcome.credential,
        checks=(*caller.checks, Check("token", active, why)),
        facts={"form": form},
    )


def _refused(request: Request, error: OAuthError) -> Decision:
    return Decision(
        action=ACTION,
        allowed=False,
        reason=error.reason,
        trace=request.trace,
        realm=request.realm,
        facts={"error": error.code, "detail": error.detail or error.description},
    )
