"""The pushed authorization request endpoint."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest, OAuthError
from keystead.core.forms import Parameters, read_body, read_form
from keystead.core.http import NO_STORE, Reply, Request, json_reply
from keystead.core.spec import FAPI2, RFC9101, RFC9126, RFC9449, Section
from keystead.core.values import EpochSeconds
from keystead.oauth.catalogue import client_authentications
from keystead.oauth.checks.draft import AuthorizationForm, Draft, Facts
from keystead.oauth.checks.matrix import PAR, examine
from keystead.oauth.client_authentication import Caller, authenticate_client
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.landscape import Landscape, landscape
from keystead.oauth.pushed_requests import LONGEST, SHORTEST, PushedRequest, keep
from keystead.oauth.request_objects import read_request_object
from keystead.oauth.sender_binding import BEARER, SenderBinding, bind_sender

ACTION: Final = "authorize.push"


class PushedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. Spec: RFC 9126 section 2.2."""

    request_uri: str
    expires_in: int


class PushedAuthorizationRequestEndpoint(EndpointPlugin):
    """Takes an authorization request from the client itself, checks all of it, and gives a reference for the browser.

    Shape: POST of the parameters of `authorize`, or of one `request` object, with client authentication as at the token
    endpoint; 201 with `request_uri` and `expires_in`, or an error as JSON.
    Does not: take a `request_uri`, or a parameter beside a request object.
    Spec: RFC 9126 section 2, RFC 9449 section 10.1, FAPI 2.0 Security Profile section 5.3.2.2.
    """

    path: ClassVar[str] = "par"
    methods: ClassVar[frozenset[str]] = frozenset({"POST"})
    specs: ClassVar[tuple[Section, ...]] = (
        RFC9126["2.1"],
        RFC9126["2.2"],
        RFC9126["2.3"],
        RFC9126["3"],
        RFC9126["5"],
        RFC9101["6.3"],
        RFC9449["10.1"],
        FAPI2["5.3.2.2"],
    )
    fast: ClassVar[bool] = True

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return the endpoint. Pushing is demanded client by client."""
        return {
            "pushed_authorization_request_endpoint": f"{issuer}/{self.path}",
            "require_pushed_authorization_requests": False,
        }

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one push. Raises: OAuthError, which the server answers with as JSON."""
        parameters = read_body(request)
        caller = await authenticate_client(request, parameters, cx, client_authentications())
        try:
            binding = await _binding(request, cx)
            pushed, checks = await _checked(parameters, caller, binding, request, cx)
        except OAuthError as error:
            _record(request, caller, error.reason, (Check(error.reason, False, error.detail or error.description),), cx)
            raise
        uri = await cx.store.write(lambda: keep(request.realm, pushed))
        _record(request, caller, "request.pushed", checks, cx)
        document = PushedDocument(request_uri=uri, expires_in=pushed.expires_at - request.now)
        return json_reply(document, status=201, headers=NO_STORE)


async def _binding(request: Request, cx: ServerContext) -> SenderBinding:
    """Return the key a DPoP proof sent along proves; the code will be bound to it. Spec: RFC 9449 section 10.1."""
    if not any(name == b"dpop" for name, _ in request.headers):
        return BEARER
    return await bind_sender(request, cx)


async def _checked(
    parameters: Parameters, caller: Caller, binding: SenderBinding, request: Request, cx: ServerContext
) -> tuple[PushedRequest, tuple[Check, ...]]:
    """Return the request, held against every check that `authorize` makes. Raises: OAuthError."""
    client = caller.client
    if "request_uri" in parameters:
        raise InvalidRequest("A pushed request cannot refer to another one.", reason="request_uri.pushed")
    form, signed = read_form(parameters, AuthorizationForm), "request" in parameters
    if signed:
        form = await read_request_object(form.request, client, request.realm, request.now, cx)
    form = msgspec.structs.replace(form, client_id=client.id)
    land = await landscape(cx, request.realm, request.now)
    keys = await cx.keys.key_set(request.realm, request.now) if form.id_token_hint else None
    draft = Draft(form, _facts(caller, land, request, keys=keys, signed=signed, binding=binding.text))
    checks, refusal = examine(draft, PAR)
    if refusal is not None:
        raise refusal.error
    lifetime = min(max(land.realm.pushed_request_lifetime, SHORTEST), LONGEST)
    pushed = PushedRequest(
        client_id=client.id,
        form=form,
        expires_at=EpochSeconds(request.now + lifetime),
        signed=signed,
        binding=draft.binding,
    )
    return pushed, checks


def _facts(caller: Caller, land: Landscape, request: Request, **more: Any) -> Facts:
    return Facts(land.realm, land.scope_map.issuer, request.now, caller.client, land.scope_map, **more)


def _record(request: Request, caller: Caller, reason: str, checks: tuple[Check, ...], cx: ServerContext) -> None:
    cx.journal.record(
        Decision(
            action=ACTION,
            allowed=all(check.passed for check in checks),
            reason=reason,
            trace=request.trace,
            realm=request.realm,
            client_id=caller.client.id,
            credential=caller.credential,
            checks=(*caller.checks, *checks),
            facts={"client_authentication": caller.method},
        )
    )
