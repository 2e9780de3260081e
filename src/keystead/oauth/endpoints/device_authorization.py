"""The device authorization endpoint: where a device without a browser begins."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.decisions import Check, Decision
from keystead.core.errors import OAuthError, ServerError, TemporarilyUnavailable, UnauthorizedClient
from keystead.core.forms import Form, Line, read_body, read_form
from keystead.core.http import Reply, Request, json_reply
from keystead.core.networks import is_this_machine, network_of
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.spec import RFC8628, RFC8707
from keystead.core.values import EpochSeconds, handle_digest, new_handle
from keystead.oauth.catalogue import client_authentications
from keystead.oauth.checks.draft import AuthorizationForm, Draft, Facts
from keystead.oauth.checks.matrix import DEVICE_AUTHORIZATION, examine
from keystead.oauth.client_authentication import Caller, authenticate_client
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import error_reply
from keystead.oauth.grants.device_code import DEVICE, GRANT_TYPE
from keystead.oauth.landscape import landscape
from keystead.oauth.sender_binding import shown_key
from keystead.oauth.user_codes import new_user_code, user_code_mac
from keystead.storage.ports import Stored, Write, find, put

ACTION: Final = "device.begin"
MOST_AT_ONCE: Final = 64
"""Devices of one address that may wait at a time: public clients prove nothing, and everybody knows their names."""

_ATTEMPTS: Final = 4
_FORGOTTEN_AFTER: Final = 120
_LONGEST_USER_AGENT: Final = 256


class DeviceAuthorizationForm(Form, frozen=True, kw_only=True):
    """The parameters, beside those that authenticate the client."""

    scope: Line = ""
    resource: tuple[Line, ...] = ()
    authorization_details: str = ""


class DeviceAuthorizationDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. Spec: RFC 8628 section 3.2."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class DeviceAuthorizationEndpoint(EndpointPlugin):
    """Gives a device a code to poll with, and a short one for the person to type at `{issuer}/device`.

    Shape: POST `scope`, `resource`; JSON. The QR code of `verification_uri_complete` is at
    `{issuer}/device/qr?user_code=...`, for devices that can show a picture but not draw one.
    Spec: RFC 8628 sections 3.1 and 3.2.
    """

    path = "device_authorization"
    methods = frozenset({"POST"})
    specs = (RFC8628["3.1"], RFC8628["3.2"], RFC8628["4"], RFC8707["2"])
    fast = True

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where it is."""
        return {"device_authorization_endpoint": f"{issuer}/{self.path}"}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Begin one device authorization."""
        try:
            caller, document = await _begin(request, cx)
        except OAuthError as error:
            cx.journal.record(_decision(request, None, error))
            return error_reply(error)
        cx.journal.record(_decision(request, caller, None))
        return json_reply(document)


async def _begin(request: Request, cx: ServerContext) -> tuple[Caller, DeviceAuthorizationDocument]:
    parameters = read_body(request)
    form = read_form(parameters, DeviceAuthorizationForm)
    caller = await authenticate_client(request, parameters, cx, client_authentications())
    if GRANT_TYPE not in caller.client.grant_types:
        raise UnauthorizedClient(
            f"this client is not registered for devices: add {GRANT_TYPE} to its grant_types",
            reason="grant_type.not_allowed",
        )
    land = await landscape(cx, request.realm, request.now)
    binding = await shown_key(request, caller.client, land.realm, cx)
    facts = Facts(land.realm, land.scope_map.issuer, request.now, caller.client, land.scope_map)
    draft = Draft(msgspec.convert(msgspec.to_builtins(form), AuthorizationForm), facts)
    _, refusal = examine(draft, DEVICE_AUTHORIZATION)
    if refusal is not None:
        raise refusal.error
    waiting = AwaitedDecision(
        realm=request.realm,
        id="",
        purpose=DEVICE.purpose,
        client_id=caller.client.id,
        request=draft.interaction("", ""),
        begun_at=request.now,
        ends_at=EpochSeconds(request.now + land.realm.device_code_lifetime),
        expires_at=EpochSeconds(request.now + land.realm.device_code_lifetime + _FORGOTTEN_AFTER),
        binding=binding.text,
        asked_from=request.client_address,
        begun_from="" if is_this_machine(request.client_address) else network_of(request.client_address),
        asked_with=_user_agent(request),
    )
    return caller, await _store(waiting, cx)


async def _store(waiting: AwaitedDecision, cx: ServerContext) -> DeviceAuthorizationDocument:
    """Store the request under two fresh codes. Of two requests that drew one user code, the later draws again."""
    now, issuer = waiting.begun_at, cx.issuer(waiting.realm)
    for _ in range(_ATTEMPTS):
        device_code, user_code = DEVICE.prefix + new_handle(), new_user_code()
        record = msgspec.structs.replace(
            waiting,
            id=handle_digest(device_code),
            user_code_mac=user_code_mac(cx.sealer, waiting.realm, user_code),
        )
        if await cx.store.write(lambda: _put(record, now)):  # noqa: B023 - run before the next turn
            return DeviceAuthorizationDocument(
                device_code=device_code,
                user_code=user_code,
                verification_uri=f"{issuer}/device",
                verification_uri_complete=f"{issuer}/device?user_code={user_code}",
                expires_in=waiting.ends_at - now,
                interval=waiting.interval,
            )
    raise ServerError("no user code is free: try again", reason="device.no_user_code")


def _put(record: AwaitedDecision, now: EpochSeconds) -> Write[bool]:
    """Store a request, unless its user code is taken. Raises: TemporarilyUnavailable when one address has too many."""
    if record.begun_from:
        found = yield from find(AwaitedDecision, record.realm, now, index="begun_from", value=record.begun_from)
        if sum(one.waits(now) for one in found) >= MOST_AT_ONCE:
            raise TemporarilyUnavailable(
                "too many devices wait at this address: try again when some are done", reason="device.too_many"
            )
    return isinstance((yield from put(record, now)), Stored)


def _user_agent(request: Request) -> str:
    found = next((value for name, value in request.headers if name == b"user-agent"), b"")
    return found.decode("latin-1")[:_LONGEST_USER_AGENT]


def _decision(request: Request, caller: Caller | None, error: OAuthError | None) -> Decision:
    return Decision(
        action=ACTION,
        allowed=error is None,
        reason="device.begun" if error is None else error.reason,
        trace=request.trace,
        realm=request.realm,
        client_id=caller.client.id if caller is not None else "",
        checks=caller.checks if caller is not None else (Check(ACTION, False, error.description if error else ""),),
    )
