"""Every endpoint there is: what stands in `oauth/endpoints` and in `web`, each path once."""

from __future__ import annotations

from functools import cache
from typing import Any

from keystead import web as web_folder
from keystead.core.errors import ConfigurationError
from keystead.core.records.realm import Realm
from keystead.oauth import catalogue as oauth_catalogue
from keystead.oauth.endpoint import EndpointPlugin


@cache
def endpoints() -> dict[str, EndpointPlugin]:
    """Return the endpoints of a realm by their path under the issuer.

    Raises: ConfigurationError when two have one path, or one is half filled.
    """
    protocol = oauth_catalogue.endpoints()
    pages = _pages()
    twice = protocol.keys() & pages.keys()
    if twice:
        raise ConfigurationError(f"two endpoints answer at {', '.join(sorted(twice))}")
    return protocol | pages


@cache
def _pages() -> dict[str, EndpointPlugin]:
    return oauth_catalogue.scan(web_folder, EndpointPlugin, "path")


def page_metadata(issuer: str, realm: Realm) -> dict[str, Any]:
    """Return what the plug-ins in `web` put into the discovery document."""
    document: dict[str, Any] = {}
    for page in _pages().values():
        document |= page.metadata(issuer) | page.realm_metadata(realm)
    return {name: value for name, value in document.items() if value is not None}
