"""The page that lists what applications may do in a person's name, and takes it back."""

from __future__ import annotations

from typing import Any, ClassVar

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Line, Word, parse_parameters, read_form
from keystead.core.http import Reply, Request
from keystead.core.redirects import see_other
from keystead.core.spec import OIDC_CORE, RFC6749, Section
from keystead.core.values import EpochSeconds
from keystead.identity.allowed import AllowedApplication, allowed_applications
from keystead.identity.consent import withdraw_consent
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.web.account_visit import AccountForm, AccountVisit, account_visit, posted_form
from keystead.web.client_words import client_facts
from keystead.web.detail_words import put_details_into_words
from keystead.web.rendering import render
from keystead.web.scope_words import put_into_words
from keystead.web.time_words import day_in_words


class ApplicationsQuery(Form, frozen=True, kw_only=True):
    """`application`: ask whether to remove this one. `done`: one was removed just now."""

    application: Line = ""
    done: Word = ""


class ApplicationsEndpoint(EndpointPlugin):
    """Lists applications with scopes, details, since when and when last used; removes one after asking.

    Shape: GET lists, GET `?application=` asks, POST with answer `yes` removes and answers 303.
    Removing forgets the consent and revokes every grant: refresh tokens and access tokens are dead with it.
    Spec: OWASP ASVS 10.7.3, OpenID Connect Core section 17.2.
    """

    path: ClassVar[str] = "account/applications"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    page: ClassVar[bool] = True
    specs: ClassVar[tuple[Section, ...]] = (OIDC_CORE["17.2"], RFC6749["10.2"])
    maximum_body: ClassVar[int] = 8_192

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit or one post."""
        visit = await account_visit(request, cx)
        if isinstance(visit, Reply):
            return visit
        if request.method == "POST":
            form = await posted_form(request, cx)
            return form if isinstance(form, Reply) else await _remove(visit, form, cx)
        try:
            query = read_form(parse_parameters(request.query), ApplicationsQuery)
        except InvalidRequest:
            query = ApplicationsQuery()
        return await _show(visit, query, cx)


async def _show(visit: AccountVisit, query: ApplicationsQuery, cx: ServerContext) -> Reply:
    realm, now = visit.situation.realm, visit.request.now
    allowed = await cx.store.read(allowed_applications(realm, visit.person.account.id, now))
    asked = [one for one in allowed if one.client_id == query.application]
    return render(
        "applications.html",
        {
            "account": visit.person.account,
            "realm_name": visit.realm_name,
            "token": visit.token,
            "applications": [_words(one, visit, now) for one in allowed],
            "asked": _words(asked[0], visit, now) if asked else None,
            "done": query.done == "1",
        },
        base_url=cx.base_url,
        realm=visit.request.realm,
    )


def _words(allowed: AllowedApplication, visit: AccountVisit, now: EpochSeconds) -> dict[str, Any]:
    client = allowed.client
    facts = client_facts(client)
    return {
        "id": allowed.client_id,
        "name": (client.client_name if client is not None else "") or allowed.client_id,
        "self_registered": client is not None and client.self_registered,
        "logo": facts["logo"],
        "links": facts["links"],
        "groups": put_into_words(allowed.scopes, visit.situation.scope_map.apis.values()),
        "details": put_details_into_words(allowed.details, visit.situation.realm),
        "since": day_in_words(allowed.since, now),
        "last_used": day_in_words(allowed.last_used, now),
        "connected": allowed.connected,
    }


async def _remove(visit: AccountVisit, form: AccountForm, cx: ServerContext) -> Reply:
    here = f"{cx.issuer(visit.request.realm)}/{ApplicationsEndpoint.path}"
    if form.answer != "yes" or not form.id:
        return see_other(here)
    request, subject = visit.request, visit.person.account.id
    removed = await cx.store.write(lambda: withdraw_consent(request.realm, subject, form.id, request.now))
    cx.journal.record(
        Decision(
            action="consent.withdraw",
            allowed=removed,
            reason="consent.withdrawn_by_person" if removed else "consent.nothing_to_withdraw",
            trace=request.trace,
            realm=request.realm,
            subject=subject,
            client_id=form.id if removed else "",
            checks=(Check("person_decides", True, "the person removed the application's access"),),
        )
    )
    return see_other(f"{here}?done=1" if removed else here)
