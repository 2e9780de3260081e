"""The page that lists where a person is signed in, and signs them out there."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.decisions import Check, Decision
from keystead.core.http import Reply, Request
from keystead.core.liveness import session_is_live
from keystead.core.records.session import Session
from keystead.core.redirects import see_other
from keystead.core.spec import OIDC_CORE, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.storage.ports import Read, Write, find
from keystead.web.account_visit import AccountForm, AccountVisit, account_visit, posted_form
from keystead.web.rendering import render
from keystead.web.time_words import browser_in_words, day_in_words

_REASON = "signed_out_by_person"
EVERYWHERE_ELSE = "others"


class AccountSessionsEndpoint(EndpointPlugin):
    """Lists a person's live sessions; ends one of them, or all but this one.

    Shape: GET lists; POST `id` (a session, or `others`) with answer `end` ends and answers 303.
    Does not: end the session it is asked in. The sign-out page does.
    Spec: OWASP ASVS 7.4.5, 7.5.2.
    """

    path: ClassVar[str] = "account/sessions"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    page: ClassVar[bool] = True
    specs: ClassVar[tuple[Section, ...]] = (OIDC_CORE["3.1.2.3"],)
    maximum_body: ClassVar[int] = 4_096

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit or one post."""
        visit = await account_visit(request, cx)
        if isinstance(visit, Reply):
            return visit
        if request.method == "POST":
            form = await posted_form(request, cx)
            return form if isinstance(form, Reply) else await _end(visit, form, cx)
        sessions = await cx.store.read(_live_sessions(visit))
        return render(
            "sessions.html",
            {
                "account": visit.person.account,
                "realm_name": visit.realm_name,
                "token": visit.token,
                "sessions": [
                    {
                        "id": session.id,
                        "browser": browser_in_words(session.user_agent),
                        "here": session.id == visit.person.session.id,
                        "since": day_in_words(session.created_at, request.now),
                        "last_seen": day_in_words(session.last_seen_at, request.now),
                    }
                    for session in sessions
                ],
            },
            base_url=cx.base_url,
            realm=request.realm,
        )


def _live_sessions(visit: AccountVisit) -> Read[list[Session]]:
    """Return the person's live sessions: this one first, then the one seen last."""
    realm, account, now = visit.situation.realm, visit.person.account, visit.request.now
    found = yield from find(Session, realm.id, now, index="subject", value=account.id)
    live = [one for one in found if session_is_live(one, account, realm.session_idle_lifetime, now)]
    return sorted(live, key=lambda one: (one.id != visit.person.session.id, -one.last_seen_at))


async def _end(visit: AccountVisit, form: AccountForm, cx: ServerContext) -> Reply:
    request, own = visit.request, visit.person.session.id

    def end() -> Write[list[str]]:
        ended: list[str] = []
        for session in (yield from _live_sessions(visit)):
            wanted = session.id != own and form.id in (session.id, EVERYWHERE_ELSE)
            if wanted and (yield from cx.end_session(request.realm, session.id, _REASON, request.now)) is not None:
                ended.append(session.id)
        return ended

    ended = await cx.store.write(end) if form.answer == "end" else []
    for sid in ended:
        cx.journal.record(
            Decision(
                action="logout",
                allowed=True,
                reason="logout.ended_elsewhere",
                trace=request.trace,
                realm=request.realm,
                subject=visit.person.account.id,
                checks=(Check("person_decides", True, "the person ended it on the page of their sessions"),),
                facts={"sid": sid},
            )
        )
    return see_other(f"{cx.issuer(request.realm)}/{AccountSessionsEndpoint.path}")
