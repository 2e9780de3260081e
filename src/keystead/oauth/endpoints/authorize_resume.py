"""Where every page returns to."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, parse_parameters, read_form
from keystead.core.http import Reply, Request
from keystead.core.spec import OIDC_CORE, Section
from keystead.oauth.asked import Asked
from keystead.oauth.authorize import dispatch, finished_elsewhere
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.interactions import Handle
from keystead.oauth.situation import gather_again, place_of, read_browser
from keystead.oauth.still_registered import may_still_be_answered


class ResumeForm(Form, frozen=True, kw_only=True):
    """The handle of the interaction to go on with."""

    interaction: Handle


class AuthorizeResumeEndpoint(EndpointPlugin):
    """Asks the dispatcher again, after a page did its part.

    Does not: take anything from the URL but the handle; what was asked stands in the interaction, what the person
    did stands in the store.
    """

    path: ClassVar[str] = "authorize/resume"
    methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    page: ClassVar[bool] = True
    specs: ClassVar[tuple[Section, ...]] = (OIDC_CORE["3.1.2.3"], OIDC_CORE["3.1.2.4"])
    fast: ClassVar[bool] = True

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer with the next thing the interaction needs."""
        try:
            form = read_form(parse_parameters(request.query), ResumeForm)
        except InvalidRequest:
            return finished_elsewhere(request, cx)
        browser = read_browser(request, cx)
        situation = await cx.store.read(gather_again(place_of(request, cx), form.interaction, browser, request.now))
        if situation is None or situation.interaction is None:
            return finished_elsewhere(request, cx)
        if not may_still_be_answered(situation.interaction, situation.client):
            return finished_elsewhere(request, cx)
        asked = Asked(
            request=request,
            interaction=situation.interaction,
            situation=situation,
            browser=browser,
            handle=form.interaction,
        )
        return await dispatch(asked, cx)
