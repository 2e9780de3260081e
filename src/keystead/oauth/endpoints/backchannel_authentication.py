"""The backchannel authentication endpoint: a client asks a person who is not in front of it."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from keystead.core.decisions import Decision
from keystead.core.errors import AccessDenied, InvalidRequest, InvalidScope, OAuthError, UnauthorizedClient
from keystead.core.forms import read_body
from keystead.core.http import Reply, Request, json_reply
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.records.account import Account
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.records.client import Client
from keystead.core.spec import CIBA, FAPI_CIBA
from keystead.core.values import EpochSeconds, handle_digest, new_handle
from keystead.oauth.awaited import REPLAY_MEMORY
from keystead.oauth.backchannel_answers import HANDLE_KIND, TOKEN_KIND, pending_for
from keystead.oauth.backchannel_people import Seeker
from keystead.oauth.backchannel_request import BackchannelForm, read_backchannel_form, require_showable
from keystead.oauth.catalogue import client_authentications
from keystead.oauth.checks.draft import AuthorizationForm, Draft, Facts
from keystead.oauth.checks.matrix import BACKCHANNEL_AUTHENTICATION, examine
from keystead.oauth.client_authentication import Caller, authenticate_client
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import error_reply
from keystead.oauth.grants.ciba import BACKCHANNEL, GRANT_TYPE, MODES
from keystead.oauth.landscape import Landscape, landscape
from keystead.oauth.profiles import profile_of
from keystead.oauth.revocations import store
from keystead.storage.ports import Write

ACTION: Final = "ciba.begin"
LONGEST_WAIT: Final = 600
MOST_AT_ONCE: Final = 10
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{16,1024}=*", re.ASCII)
_EXPIRY_DIGITS: Final = 9


class BackchannelDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. Spec: CIBA Core section 7.3."""

    auth_req_id: str
    expires_in: int
    interval: int | msgspec.UnsetType = msgspec.UNSET


class BackchannelAuthenticationEndpoint(EndpointPlugin):
    """Takes a client's question to a person, who answers at `{issuer}/ciba` or with an authenticator app.

    Shape: POST, plain or signed (`request`), with one hint at the person; JSON. A person is asked ten things at once at
    most, so that nobody can be worn down.
    Spec: OpenID Connect CIBA Core section 7, FAPI-CIBA section 5.2.2.
    """

    path = "backchannel_authentication"
    methods = frozenset({"POST"})
    specs = (CIBA["4"], CIBA["7.1"], CIBA["7.1.1"], CIBA["7.2"], CIBA["7.3"], CIBA["13"], FAPI_CIBA["5.2.2"])

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where it is, and how the client may be answered."""
        return {
            "backchannel_authentication_endpoint": f"{issuer}/{self.path}",
            "backchannel_token_delivery_modes_supported": list(MODES),
            "backchannel_authentication_request_signing_alg_values_supported": sorted(ALGORITHMS),
            "backchannel_user_code_parameter_supported": True,
        }

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Take one question."""
        try:
            caller, account, document = await _begin(request, cx)
        except OAuthError as error:
            cx.journal.record(_decision(request, None, "", error))
            return error_reply(error)
        cx.journal.record(_decision(request, caller, account.id, None))
        return json_reply(document)


async def _begin(request: Request, cx: ServerContext) -> tuple[Caller, Account, BackchannelDocument]:
    parameters = read_body(request)
    caller = await authenticate_client(request, parameters, cx, client_authentications())
    client, realm, now = caller.client, request.realm, request.now
    mode = _require_mode(caller)
    form = await read_backchannel_form(parameters, client, realm, now, cx)
    land = await landscape(cx, realm, now)
    draft = _examined(form, client, land, now)
    lifetime = _lifetime(form.requested_expiry, land)
    message = require_showable(form.binding_message)
    token = _require_notification_token(form, mode)
    seeker = Seeker(client, realm, now, cx)
    account = await seeker.find(form)
    await seeker.require_code(account, form.user_code)
    asked = msgspec.structs.replace(
        draft.interaction("", ""), required_subject=account.id, binding_message=message, prompt=("consent",)
    )
    auth_req_id = BACKCHANNEL.prefix + new_handle()
    id = handle_digest(auth_req_id)
    waiting = AwaitedDecision(
        realm=realm,
        id=id,
        purpose=BACKCHANNEL.purpose,
        client_id=client.id,
        request=asked,
        begun_at=now,
        ends_at=EpochSeconds(now + lifetime),
        expires_at=EpochSeconds(now + lifetime + REPLAY_MEMORY),
        subject=account.id,
        asked_from=request.client_address,
        binding_message=message,
        delivery=mode,
        sealed_notification_token=cx.sealer.seal(realm, TOKEN_KIND, id, token.encode()) if token else b"",
        sealed_handle=cx.sealer.seal(realm, HANDLE_KIND, id, auth_req_id.encode()) if mode != "poll" else b"",
    )
    if not await cx.store.write(lambda: _store(waiting, now)):
        raise AccessDenied("the person has too many questions to answer already", reason="ciba.too_many")
    interval = msgspec.UNSET if mode == "push" else waiting.interval
    return caller, account, BackchannelDocument(auth_req_id=auth_req_id, expires_in=lifetime, interval=interval)


def _store(waiting: AwaitedDecision, now: EpochSeconds) -> Write[bool]:
    if len((yield from pending_for(waiting.realm, waiting.subject, now))) >= MOST_AT_ONCE:
        return False
    yield from store(waiting, now)
    return True


def _require_mode(caller: Caller) -> str:
    """Demand a client that may ask, proved itself, and has a way to be answered."""
    client = caller.client
    if GRANT_TYPE not in client.grant_types:
        raise UnauthorizedClient(
            f"this client is not registered for CIBA: add {GRANT_TYPE} to its grant_types",
            reason="grant_type.not_allowed",
        )
    if caller.method == "none":
        raise UnauthorizedClient("a public client may not ask on the back channel", reason="ciba.public_client")
    mode = client.backchannel_token_delivery_mode or "poll"
    if mode == "push" and profile_of(client).sender_constrained:
        raise UnauthorizedClient(
            "tokens bound to a key cannot be pushed: register the mode poll or ping", reason="ciba.push_unbound"
        )
    return mode


def _examined(form: BackchannelForm, client: Client, land: Landscape, now: EpochSeconds) -> Draft:
    if "openid" not in form.scope.split():
        raise InvalidScope("scope must contain openid", reason="ciba.without_openid")
    wanted = AuthorizationForm(
        scope=form.scope,
        acr_values=form.acr_values,
        resource=form.resource,
        authorization_details=form.authorization_details,
    )
    draft = Draft(wanted, Facts(land.realm, land.scope_map.issuer, now, client, land.scope_map))
    _, refusal = examine(draft, BACKCHANNEL_AUTHENTICATION)
    if refusal is not None:
        raise refusal.error
    return draft


def _lifetime(requested: str, land: Landscape) -> int:
    """Return how long the client waits: what it asked for, within ten minutes."""
    if not requested:
        return land.realm.backchannel_authentication_lifetime
    if not (requested.isascii() and requested.isdigit()) or len(requested) > _EXPIRY_DIGITS or not int(requested):
        raise InvalidRequest("requested_expiry is a positive number of seconds", reason="ciba.requested_expiry")
    return min(int(requested), LONGEST_WAIT)


def _require_notification_token(form: BackchannelForm, mode: str) -> str:
    """Demand the token we show the client's endpoint, for the modes that use it. Spec: CIBA Core section 7.1."""
    if mode == "poll":
        return ""
    if not _TOKEN.fullmatch(form.client_notification_token):
        raise InvalidRequest(
            "client_notification_token is a bearer token of 16 to 1024 characters: this client is told by ping or push",
            reason="ciba.notification_token",
        )
    return form.client_notification_token


def _decision(request: Request, caller: Caller | None, subject: str, error: OAuthError | None) -> Decision:
    return Decision(
        action=ACTION,
        allowed=error is None,
        reason="ciba.begun" if error is None else error.reason,
        trace=request.trace,
        realm=request.realm,
        subject=subject,
        client_id=caller.client.id if caller is not None else "",
        checks=caller.checks if caller is not None else (),
        facts={"error": error.code, "detail": error.detail or error.description} if error is not None else {},
    )
