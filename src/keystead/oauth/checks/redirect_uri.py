"""Where the answer may go: the one check that keeps codes from strangers.

Spec: RFC 9700 section 2.1 (exact string matching), RFC 8252 section 7.3 (the port of a loopback URI may vary),
RFC 6749 section 3.1.2 (no fragment).
Does not: parse, normalise or decode a URI. Strings are compared as they are; two that only mean the same differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from keystead.core.errors import InvalidRequest
from keystead.core.records.client import Client
from keystead.oauth.checks.draft import Draft
from keystead.oauth.profiles import profile_of

RESPONSE_PARAMETERS: Final = frozenset(
    {"code", "state", "iss", "error", "error_description", "error_uri", "session_state", "response"}
)

_LOOPBACK: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(:[1-9][0-9]{0,4})?((?:[/?].*)?)", re.ASCII)
_HIGHEST_PORT: Final = 65_535


def require_registered_redirect_uri(draft: Draft) -> str:
    """Demand a `redirect_uri` that the client registered, character by character; a profile may want https of it."""
    offered = draft.form.redirect_uri
    if not offered:
        raise InvalidRequest("The parameter redirect_uri is missing.", reason="redirect_uri.missing")
    if not is_registered(offered, draft.client):
        raise InvalidRequest(
            "The redirect_uri is not one that this application registered.", reason="redirect_uri.not_registered"
        )
    if "#" in offered or _names_response_parameter(offered):
        raise InvalidRequest(
            "The redirect_uri has a fragment or names a response parameter; the application must register another.",
            reason="redirect_uri.unusable",
        )
    draft.redirect_uri = offered
    return "the redirect_uri is registered, character by character"


def is_registered(offered: str, client: Client) -> bool:
    """Return whether a redirect URI is the client's at this moment, as its profile wants it."""
    demands, registered = profile_of(client), client.redirect_uris
    strictly = offered in registered and (offered.startswith("https://") or not demands.redirect_https)
    return strictly or (demands.variable_loopback_port and redirect_uri_matches(offered, registered))


def redirect_uri_matches(offered: str, registered: Iterable[str]) -> bool:
    """Return whether `offered` is registered: the same string, or the same loopback http URI on another port."""
    registered = tuple(registered)
    if offered in registered:
        return True
    asked = _without_loopback_port(offered)
    return asked is not None and any(asked == _without_loopback_port(candidate) for candidate in registered)


def _without_loopback_port(uri: str) -> tuple[str, str] | None:
    match = _LOOPBACK.fullmatch(uri)
    if match is None or not uri.isascii() or not uri.isprintable():
        return None
    if match[2] and int(match[2][1:]) > _HIGHEST_PORT:
        return None
    return match[1], match[3]


def _names_response_parameter(uri: str) -> bool:
    _, _, query = uri.partition("?")
    return any(pair.partition("=")[0] in RESPONSE_PARAMETERS for pair in query.split("&")) if query else False
