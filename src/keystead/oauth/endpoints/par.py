"""The pushed authorization request endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest, OAuthError, TemporarilyUnavailable
from keystead.core.forms import Parameters, read_body, read_form
from keystead.core.http import Reply, Request, json_reply
from keystead.core.spec import FAPI2, RFC9101, RFC9126, RFC9449, Section
from keystead.core.values import EpochSeconds
from keystead.oauth.caller_allowance import CallerAllowance
from keystead.oauth.catalogue import client_authentications
from keystead.oauth.checks.draft import AuthorizationForm, Draft, Facts
from keystead.oauth.checks.matrix import PAR, examine
from keystead.oauth.client_authentication import Caller, authenticate_client
from keystead.oauth.context import ServerContext
from keystead.oauth.decryption import opened_hint
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.landscape import Landscape, landscape
from keystead.oauth.pushed_requests import LARGEST_OF_STRANGERS, LONGEST, SHORTEST, PushedRequest, keep
from keystead.oauth.request_objects import read_request_object
from keystead.oauth.sender_binding import SenderBinding, shown_key

ACTION: Final = "authorize.push"
_anonymous: Final = CallerAllowance(per_minute=1_200, per_network=60)


class PushedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. Spec: RFC 9126 section 2.2."""

    request_uri: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Push:
    """One push: by whom, in which realm, with which key."""

    request: Request
    caller: Caller
    land: Landscape
    binding: SenderBinding


class PushedAuthorizationRequestEndpoint(EndpointPlugin):
    """Takes an authorization request from the client itself, checks all of it, and gives a reference for the browser.

    Shape: POST of the parameters of `authorize`, or of one `request` object, with client authentication as at the token
    endpoint; 201 with `request_uri` and `expires_in`, or an error as JSON.
    Does not: take a `request_uri`, or a parameter beside a request object; or keep much for clients that prove nothing.
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
        caller: Caller | None = None
        try:
            parameters = read_body(request)
            caller = await authenticate_client(request, parameters, cx, client_authentications())
            if caller.method == "none":
                _require_modest(request, cx)
            land = await landscape(cx, request.realm, request.now)
            # Spec: RFC 9449 section 10.1. The code will be bound to the key of a DPoP proof that is sent along.
            binding = await shown_key(request, caller.client, land.realm, cx)
            pushed, checks = await _checked(parameters, Push(request, caller, land, binding), cx)
        except OAuthError as error:
            _record(request, caller, error.reason, (Check(error.reason, False, error.detail or error.description),), cx)
            raise
        uri = await cx.store.write(lambda: keep(request.realm, pushed))
        _record(request, caller, "request.pushed", checks, cx)
        document = PushedDocument(request_uri=uri, expires_in=pushed.expires_at - request.now)
        return json_reply(document, status=201, headers=binding.headers)


def _require_modest(request: Request, cx: ServerContext) -> None:
    """Demand that a caller who proves nothing makes us keep little. Raises: InvalidRequest, TemporarilyUnavailable."""
    if len(request.body) > LARGEST_OF_STRANGERS:
        raise InvalidRequest(
            f"a client that does not authenticate may push {LARGEST_OF_STRANGERS} bytes", reason="request.too_large"
        )
    if not _anonymous.take(request, cx.sealer):
        raise TemporarilyUnavailable("too many requests were pushed: try again in a minute", reason="request.too_many")


async def _checked(parameters: Parameters, push: Push, cx: ServerContext) -> tuple[PushedRequest, tuple[Check, ...]]:
    """Return the request, held against every check that `authorize` makes. Raises: OAuthError."""
    request, client, land = push.request, push.caller.client, push.land
    if "request_uri" in parameters:
        raise InvalidRequest("A pushed request cannot refer to another one.", reason="request_uri.pushed")
    form, signed = read_form(parameters, AuthorizationForm), "request" in parameters
    if signed:
        form = await read_request_object(form.request, client, request.realm, request.now, cx)
    hint = await opened_hint(form.id_token_hint, request.realm, request.now, cx)
    form = msgspec.structs.replace(form, client_id=client.id, id_token_hint=hint)
    facts = Facts(
        land.realm,
        land.scope_map.issuer,
        request.now,
        client,
        land.scope_map,
        await cx.keys.key_set(request.realm, request.now) if form.id_token_hint else None,
        signed=signed,
        binding=push.binding.text,
    )
    draft = Draft(form, facts)
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


def _record(request: Request, caller: Caller | None, reason: str, checks: tuple[Check, ...], cx: ServerContext) -> None:
    cx.journal.record(
        Decision(
            action=ACTION,
            allowed=all(check.passed for check in checks),
            reason=reason,
            trace=request.trace,
            realm=request.realm,
            client_id=caller.client.id if caller is not None else "",
            credential=caller.credential if caller is not None else None,
            checks=(*(caller.checks if caller is not None else ()), *checks),
            facts={"client_authentication": caller.method if caller is not None else ""},
        )
    )
