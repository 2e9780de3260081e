"""The page where a person finds what clients ask them on the back channel, and goes on to answer."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Word, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.records.client import Client
from keystead.core.redirects import see_other
from keystead.core.spec import CIBA, Section
from keystead.core.values import EpochSeconds
from keystead.oauth.asked import Asked
from keystead.oauth.authorize import dispatch, finished_elsewhere
from keystead.oauth.backchannel_answers import pending_for, refuse
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import form_token, is_form_token, refuse_foreign_post, session_handle
from keystead.oauth.outcomes.ciba import CibaOutcome
from keystead.oauth.situation import Person, gather, place_of, read_browser
from keystead.oauth.still_registered import has_grant
from keystead.storage.ports import Read, get
from keystead.web.device_words import ago_in_words
from keystead.web.rendering import render

ACTION = "ciba.answer"
FORM_PURPOSE = "ciba"


class CibaAnswerForm(Form, frozen=True, kw_only=True):
    """Which request, and `review` or `deny`."""

    token: Word = ""
    request: Word = ""
    answer: Word = ""


class Wish(msgspec.Struct, frozen=True):
    """One request as the page shows it."""

    id: str
    client_name: str
    message: str
    ago: str


class CibaEndpoint(EndpointPlugin):
    """Lists what waits for the person who is signed in. "Look at it" leads to consent, which says everything.

    Shape: GET shows the page, or sends to sign in (303); POST goes on to the dispatcher, or says no.
    Spec: OpenID Connect CIBA Core section 8.
    """

    path: ClassVar[str] = "ciba"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    page: ClassVar[bool] = True
    specs: ClassVar[tuple[Section, ...]] = (CIBA["8"],)
    maximum_body: ClassVar[int] = 4_096

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit or one post."""
        return await (_post(request, cx) if request.method == "POST" else _show(request, cx))


async def _show(request: Request, cx: ServerContext) -> Reply:
    browser = read_browser(request, cx)
    situation = await cx.store.read(gather(place_of(request, cx), "", browser.session_digest, request.now))
    if situation.person is None:
        return see_other(f"{cx.issuer(request.realm)}/sign-in")
    wishes = await cx.store.read(_wishes(request, situation.person))
    return render(
        "ciba.html",
        {
            "realm_name": situation.realm.display_name or situation.realm.id,
            "account": situation.person.account,
            "wishes": wishes,
            "token": form_token(session_handle(request, cx), FORM_PURPOSE),
        },
        base_url=cx.base_url,
        realm=request.realm,
    )


def _wishes(request: Request, person: Person) -> Read[list[Wish]]:
    wishes = []
    for waiting in (yield from pending_for(request.realm, person.account.id, request.now)):
        client = yield from get(Client, request.realm, waiting.client_id, request.now)
        if client is not None and client.enabled:
            name = client.client_name or client.id
            ago = ago_in_words(request.now - waiting.begun_at)
            wishes.append(Wish(waiting.id, name, waiting.binding_message, ago))
    return wishes


async def _post(request: Request, cx: ServerContext) -> Reply:
    foreign = refuse_foreign_post(request, cx)
    if foreign is not None:
        return foreign
    try:
        form = read_form(read_body(request), CibaAnswerForm)
    except InvalidRequest:
        return finished_elsewhere(request, cx)
    if not is_form_token(form.token, session_handle(request, cx), FORM_PURPOSE):
        return see_other(f"{cx.issuer(request.realm)}/ciba")
    waiting = await cx.store.read(get(AwaitedDecision, request.realm, form.request, request.now))
    browser = read_browser(request, cx)
    client_id = waiting.client_id if waiting is not None else ""
    situation = await cx.store.read(gather(place_of(request, cx), client_id, browser.session_digest, request.now))
    person, client = situation.person, situation.client
    if (
        waiting is None
        or waiting.purpose != "ciba"
        or not waiting.waits(request.now)
        or person is None
        or waiting.subject != person.account.id
        or not has_grant(client, CibaOutcome.grant_type)
    ):
        return see_other(f"{cx.issuer(request.realm)}/ciba")
    if form.answer == "deny":
        await cx.store.write(lambda: refuse(waiting, request.now, cx))
        _record(request, waiting, person, cx)
        return see_other(f"{cx.issuer(request.realm)}/ciba")
    interaction = msgspec.structs.replace(
        waiting.request, outcome=CibaOutcome.name, reference=waiting.id, begun_at=EpochSeconds(request.now)
    )
    return await dispatch(Asked(request, interaction, situation, browser), cx)


def _record(request: Request, waiting: AwaitedDecision, person: Person, cx: ServerContext) -> None:
    cx.journal.record(
        Decision(
            action=ACTION,
            allowed=False,
            reason="ciba.refused",
            trace=request.trace,
            realm=request.realm,
            subject=person.account.id,
            client_id=waiting.client_id,
            checks=(Check("person_decides", False, "the person pressed No"),),
        )
    )
