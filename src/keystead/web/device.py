"""The page where a person connects a device: types its code, looks at who asked, and goes on to sign in."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, parse_parameters, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.spec import RFC8628, Section
from keystead.core.values import EpochSeconds
from keystead.identity.throttle import Wait, forgive, take_attempt, user_code_buckets
from keystead.oauth.asked import Asked
from keystead.oauth.authorize import dispatch, finished_elsewhere
from keystead.oauth.awaited import deny
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import browser_handle, is_form_token, refuse_foreign_post
from keystead.oauth.outcomes.device import DeviceOutcome
from keystead.oauth.situation import gather, place_of, read_browser
from keystead.oauth.still_registered import has_grant
from keystead.oauth.user_codes import read_user_code, user_code_mac
from keystead.storage.ports import Write, find, only
from keystead.web.device_page import DENIED, FORM_PURPOSE, NO_CODE, UNKNOWN, Visit, confirm_page, enter_page, too_early

ACTION = "device.confirm"


class DeviceQuery(Form, frozen=True, kw_only=True):
    """The code, when the person came by `verification_uri_complete`. It is shown, and not believed yet."""

    user_code: str = ""


class DeviceForm(Form, frozen=True, kw_only=True):
    """What the page posts: the code typed, and on the second page the answer (`continue` or `deny`)."""

    token: str = ""
    user_code: str = ""
    answer: str = ""


class DeviceEndpoint(EndpointPlugin):
    """Takes the code of a device, shows who asked from where, and only then begins to sign in.

    Nothing happens by following a link: a code in the URL fills in the form and no more. Wrong codes are counted by
    address. The person sees the address and the program that asked, and is told to stop if somebody sent them here.
    Shape: GET shows the page, POST the next one, or goes on to the dispatcher (303).
    Spec: RFC 8628 sections 3.3, 3.3.1, 5.1, 5.3 and 5.4.
    """

    path: ClassVar[str] = "device"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    page: ClassVar[bool] = True
    specs: ClassVar[tuple[Section, ...]] = (RFC8628["3.3"], RFC8628["3.3.1"], RFC8628["5.1"], RFC8628["5.4"])
    maximum_body: ClassVar[int] = 4_096

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit or one post."""
        return await (_post(request, cx) if request.method == "POST" else _show(request, cx))


async def _visit(request: Request, cx: ServerContext, client_id: str = "") -> Visit:
    browser = read_browser(request, cx)
    situation = await cx.store.read(gather(place_of(request, cx), client_id, browser.session_digest, request.now))
    return Visit(request, cx, situation, browser)


async def _show(request: Request, cx: ServerContext) -> Reply:
    try:
        query = read_form(parse_parameters(request.query), DeviceQuery)
    except InvalidRequest:
        query = DeviceQuery()
    return enter_page(await _visit(request, cx), read_user_code(query.user_code))


async def _post(request: Request, cx: ServerContext) -> Reply:
    foreign = refuse_foreign_post(request, cx)
    if foreign is not None:
        return foreign
    try:
        form = read_form(read_body(request), DeviceForm)
    except InvalidRequest:
        form = DeviceForm()
    if not is_form_token(form.token, browser_handle(request, cx), FORM_PURPOSE):
        return finished_elsewhere(request, cx)
    user_code = read_user_code(form.user_code)
    if not form.user_code:
        return enter_page(await _visit(request, cx), "", NO_CODE)
    waiting = await cx.store.write(lambda: _find(request, user_code, cx))
    if isinstance(waiting, Wait):
        _record(request, "", "device.throttled", cx)
        return enter_page(await _visit(request, cx), user_code, too_early(waiting))
    visit = await _visit(request, cx, waiting.client_id if waiting is not None else "")
    client = visit.situation.client
    if waiting is None or not has_grant(client, DeviceOutcome.grant_type):
        _record(request, "", "device.unknown_code", cx)
        return enter_page(visit, user_code, UNKNOWN)
    return await _answer(visit, waiting, user_code, form.answer)


def _find(request: Request, user_code: str, cx: ServerContext) -> Write[AwaitedDecision | Wait | None]:
    """Look a code up, counting the attempt first and taking the count back when the code was right."""
    realm, now, counted = request.realm, request.now, user_code_buckets(request.client_address)
    wait = yield from take_attempt(realm, counted, now)
    if wait is not None:
        return wait
    mac = user_code_mac(cx.sealer, realm, user_code) if user_code else "none"
    waiting = only((yield from find(AwaitedDecision, realm, now, index="user_code_mac", value=mac, limit=1)))
    if waiting is None or not waiting.waits(now):
        return None
    yield from forgive(realm, counted, now)
    return waiting


async def _answer(visit: Visit, waiting: AwaitedDecision, user_code: str, answer: str) -> Reply:
    request, cx = visit.request, visit.cx
    if answer == "deny":
        await cx.store.write(lambda: deny(waiting.realm, waiting.id, request.now))
        _record(request, waiting.client_id, "device.denied", cx)
        return enter_page(visit, "", DENIED)
    if answer != "continue":
        return confirm_page(visit, waiting, user_code)
    interaction = msgspec.structs.replace(
        waiting.request, outcome=DeviceOutcome.name, reference=waiting.id, begun_at=EpochSeconds(request.now)
    )
    _record(request, waiting.client_id, "device.confirmed", cx)
    return await dispatch(Asked(request, interaction, visit.situation, visit.browser), cx)


def _record(request: Request, client_id: str, reason: str, cx: ServerContext) -> None:
    allowed = reason == "device.confirmed"
    cx.journal.record(
        Decision(
            action=ACTION,
            allowed=allowed,
            reason=reason,
            trace=request.trace,
            realm=request.realm,
            client_id=client_id,
            checks=(Check("person_has_device", allowed, "the person typed the code and pressed a button"),),
        )
    )
