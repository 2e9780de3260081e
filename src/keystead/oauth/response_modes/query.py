"""The answer in the query of the redirect URI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import quote

from keystead.core.http import Headers, Reply
from keystead.core.redirects import see_other
from keystead.core.spec import RFC6749, Section
from keystead.oauth.response_modes.mode import ResponseMode


class QueryMode(ResponseMode):
    """A 303 redirect: whatever method asked, the client is met by GET and no form is carried on.

    Spec: RFC 6749 section 4.1.2, RFC 9700 section 4.12.
    """

    name: ClassVar[str] = "query"
    specs: ClassVar[tuple[Section, ...]] = (RFC6749["4.1.2"],)

    def reply(self, redirect_uri: str, parameters: Sequence[tuple[str, str]], headers: Headers) -> Reply:
        """Append the parameters to the query the URI may already have."""
        answer = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters)
        joint = ("" if redirect_uri.endswith("?") else "&") if "?" in redirect_uri else "?"
        return see_other(f"{redirect_uri}{joint}{answer}", headers)
