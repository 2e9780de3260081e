"""The consent page."""

from __future__ import annotations

import hashlib
from typing import ClassVar

import msgspec

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Word, parse_parameters, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.records.interaction import Interaction
from keystead.core.spec import OIDC_CORE, RFC6749, Section
from keystead.oauth.authorize import finished_elsewhere
from keystead.oauth.context import ServerContext
from keystead.oauth.disclosure import scopes_to_consent
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import refuse_foreign_post
from keystead.oauth.interactions import Handle
from keystead.oauth.situation import Person, Situation
from keystead.oauth.still_registered import may_still_be_answered
from keystead.web.client_words import client_facts
from keystead.web.detail_words import put_details_into_words
from keystead.web.headers import form_source
from keystead.web.rendering import render
from keystead.web.returning import come_back, look_up, mark
from keystead.web.scope_words import lifetime_in_words, put_into_words


class ConsentQuery(Form, frozen=True, kw_only=True):
    """The interaction the page is for."""

    interaction: Handle


class ConsentForm(Form, frozen=True, kw_only=True):
    """The answer: `allow` or `deny`. `shown` digests what the page showed, and to whom."""

    interaction: Handle
    decision: Word
    shown: Word = ""


class ConsentEndpoint(EndpointPlugin):
    """Asks a person whether a client may have what it asks for, all of it or nothing.

    Shape: GET shows the page, POST answers 303.
    Does not: remember anything itself; the dispatcher does, in the transaction that offers the code.
    Spec: OpenID Connect Core section 3.1.2.4, RFC 6749 section 10.2.
    """

    path: ClassVar[str] = "consent"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    page: ClassVar[bool] = True
    specs: ClassVar[tuple[Section, ...]] = (OIDC_CORE["3.1.2.4"], RFC6749["10.2"])
    maximum_body: ClassVar[int] = 16_384

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit or one post."""
        return await (_post(request, cx) if request.method == "POST" else _show(request, cx))


async def _show(request: Request, cx: ServerContext) -> Reply:
    try:
        query = read_form(parse_parameters(request.query), ConsentQuery)
    except InvalidRequest:
        return finished_elsewhere(request, cx)
    situation = await look_up(request, query.interaction, cx)
    return _page(request, query.interaction, situation, cx)


async def _post(request: Request, cx: ServerContext) -> Reply:
    foreign = refuse_foreign_post(request, cx)
    if foreign is not None:
        return foreign
    try:
        form = read_form(read_body(request), ConsentForm)
    except InvalidRequest:
        return finished_elsewhere(request, cx)
    situation = await look_up(request, form.interaction, cx)
    if situation is None or situation.interaction is None:
        return finished_elsewhere(request, cx)
    asked, person = situation.interaction, situation.person
    if person is None:
        return come_back(request, form.interaction, cx)
    scopes = _wished(asked, situation, person)
    if form.decision == "allow" and form.shown == _shown(person, scopes, asked):
        details = asked.authorization_details
        given = {"consented_by": person.account.id, "consented_scopes": scopes, "consented_details": details}
        await mark(cx, asked, request.now, **given)
        _record(request, asked, person, scopes, cx)
    elif form.decision == "deny":
        await mark(cx, asked, request.now, denied=True)
        _record(request, asked, person, None, cx)
    # Anything else, and a page that showed something else or to somebody else, is asked again.
    return come_back(request, form.interaction, cx)


def _page(request: Request, handle: str, situation: Situation | None, cx: ServerContext) -> Reply:
    if situation is None or situation.interaction is None or situation.client is None:
        return finished_elsewhere(request, cx)
    if not may_still_be_answered(situation.interaction, situation.client):
        return finished_elsewhere(request, cx)
    if situation.person is None:
        return come_back(request, handle, cx)
    asked, client, person = situation.interaction, situation.client, situation.person
    scopes = _wished(asked, situation, person)
    return render(
        "consent.html",
        {
            "client": client,
            "client_name": client.client_name or client.id,
            "realm_name": situation.realm.display_name or situation.realm.id,
            "account": person.account,
            "details": put_details_into_words(asked.authorization_details, situation.realm),
            "groups": put_into_words(scopes, situation.scope_map.apis.values()),
            **client_facts(client),
            "answer_goes_to": form_source(asked.redirect_uri),
            "lifetime": _lifetime(situation, scopes),
            "handle": handle,
            "message": asked.binding_message,
            "shown": _shown(person, scopes, asked),
        },
        base_url=cx.base_url,
        realm=request.realm,
        form_target=asked.redirect_uri,
    )


def _wished(asked: Interaction, situation: Situation, person: Person) -> tuple[str, ...]:
    """Return the scopes the person is asked about: those that can be granted, and those behind claims by name."""
    grantable = situation.scope_map.allowed_by_roles(asked.scopes, person.account.roles)
    return scopes_to_consent(grantable, asked.claims, situation.client)


def _shown(person: Person, scopes: tuple[str, ...], asked: Interaction) -> str:
    """Return a digest of what is shown and to whom, so that nobody allows what they did not see."""
    shown = (person.account.id, scopes, asked.authorization_details)
    return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()


def _lifetime(situation: Situation, scopes: tuple[str, ...]) -> str:
    realm, client = situation.realm, situation.client
    if "offline_access" in scopes:
        unused = lifetime_in_words(realm.refresh_token_idle_lifetime)
        return f"It keeps this access even after you sign out, and loses it when it is not used for {unused}."
    if client is not None and "refresh_token" in client.grant_types:
        return f"It keeps this access until you sign out, {lifetime_in_words(realm.session_lifetime)} at most."
    return f"It gets this access for {lifetime_in_words(realm.access_token_lifetime)}."


def _record(
    request: Request, asked: Interaction, person: Person, scopes: tuple[str, ...] | None, cx: ServerContext
) -> None:
    """Record the answer; no scopes at all, not even none, stand for a no."""
    allowed = scopes is not None
    cx.journal.record(
        Decision(
            action="consent.give",
            allowed=allowed,
            reason="consent.given" if allowed else "consent.denied",
            trace=request.trace,
            realm=request.realm,
            subject=person.account.id,
            client_id=asked.client_id,
            checks=(Check("person_decides", allowed, "the person pressed " + ("Allow" if allowed else "Deny")),),
            facts={"scope": " ".join(scopes or ())},
        )
    )
