"""The answer in the query of the redirect URI."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from keystead.core.http import Reply
from keystead.core.pages import Handover
from keystead.core.redirects import see_other
from keystead.core.spec import RESPONSE_TYPES, RFC6749, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.response_modes.mode import AuthorizationResponse, ResponseMode


class QueryMode(ResponseMode):
    """A 303 redirect: whatever method asked, the client is met by GET and no form is carried on.

    After a form of ours, a page goes there instead: Chromium holds our form-action against every redirect that follows
    a post, so a client whose callback redirects to a further origin would never be reached.
    Spec: RFC 6749 section 4.1.2, RFC 9700 section 4.12.
    """

    name: ClassVar[str] = "query"
    specs: ClassVar[tuple[Section, ...]] = (RFC6749["4.1.2"], RESPONSE_TYPES["2.1"])

    async def reply(self, response: AuthorizationResponse, cx: ServerContext) -> Reply:
        """Append the parameters to the query the URI may already have."""
        uri = response.redirect_uri
        answer = "&".join(f"{name}={quote(value, safe='')}" for name, value in response.parameters)
        joint = ("" if uri.endswith("?") else "&") if "?" in uri else "?"
        address = f"{uri}{joint}{answer}"
        if response.after_form and uri.startswith(("https://", "http://")):
            name = response.client.client_name or response.client.id
            return cx.pages.hand_over(
                Handover(realm=response.realm, realm_name=response.realm_name, client_name=name, address=address)
            )
        return see_other(address)
