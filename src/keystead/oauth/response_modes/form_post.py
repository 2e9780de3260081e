"""The answer in a form that posts itself."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.http import Reply
from keystead.core.pages import Handover
from keystead.core.spec import FORM_POST, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.response_modes.mode import AuthorizationResponse, ResponseMode


class FormPostMode(ResponseMode):
    """A page whose form is sent by one line of script, or by its button where script does not run.

    The answer reaches neither the browser's history nor a log of addresses. The client must expect a post from another
    site, which carries no cookie that is SameSite=Lax. Spec: OAuth 2.0 Form Post Response Mode section 2.
    """

    name: ClassVar[str] = "form_post"
    specs: ClassVar[tuple[Section, ...]] = (FORM_POST["2"],)

    async def reply(self, response: AuthorizationResponse, cx: ServerContext) -> Reply:
        """Return the page."""
        return cx.pages.hand_over(
            Handover(
                realm=response.realm,
                realm_name=response.realm_name,
                client_name=response.client.client_name or response.client.id,
                address=response.redirect_uri,
                fields=response.parameters,
            )
        )
