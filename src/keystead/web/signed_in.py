"""The page that says who is signed in."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.http import Reply, Request
from keystead.core.records.account import Account
from keystead.core.redirects import see_other
from keystead.core.spec import OIDC_CORE, Section
from keystead.oauth.authorization_api import EDITOR, VIEWER
from keystead.oauth.backchannel_answers import pending_for
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import form_token, session_handle
from keystead.oauth.situation import gather, place_of, read_browser
from keystead.web.rendering import render


class SignedInEndpoint(EndpointPlugin):
    """Where a sign-in ends that no application asked for. Nobody signed in: to the sign-in page."""

    path: ClassVar[str] = "signed-in"
    methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    page: ClassVar[bool] = True
    specs: ClassVar[tuple[Section, ...]] = (OIDC_CORE["3.1.2.3"],)

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit."""
        browser = read_browser(request, cx)
        situation = await cx.store.read(gather(place_of(request, cx), "", browser.session_digest, request.now))
        if situation.halfway is not None:
            return see_other(f"{cx.issuer(request.realm)}/second-factor")
        if situation.person is None:
            return see_other(f"{cx.issuer(request.realm)}/sign-in")
        subject = situation.person.account.id
        waiting = await cx.store.read(pending_for(request.realm, subject, request.now))
        return render(
            "signed_in.html",
            {
                "account": situation.person.account,
                "waiting": len(waiting),
                "console": console_address(situation.person.account, request, cx),
                "realm_name": situation.realm.display_name or situation.realm.id,
                "token": form_token(session_handle(request, cx), "logout"),
            },
            base_url=cx.base_url,
            realm=request.realm,
        )


def console_address(account: Account, request: Request, cx: ServerContext) -> str:
    """Return where the console is for this person, or nothing when they have no business there."""
    return f"{cx.base_url}/admin/authz/{request.realm}" if {VIEWER, EDITOR} & set(account.roles) else ""
