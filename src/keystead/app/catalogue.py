"""Every endpoint there is: what stands in `oauth/endpoints` and in `web`, each path once."""

from __future__ import annotations

from functools import cache

from keystead import web as web_folder
from keystead.core.errors import ConfigurationError
from keystead.oauth import catalogue as oauth_catalogue
from keystead.oauth.endpoint import EndpointPlugin


@cache
def endpoints() -> dict[str, EndpointPlugin]:
    """Return the endpoints of a realm by their path under the issuer.

    Raises: ConfigurationError when two have one path, or one is half filled.
    """
    protocol = oauth_catalogue.endpoints()
    pages: dict[str, EndpointPlugin] = oauth_catalogue.scan(web_folder, EndpointPlugin, "path")
    twice = protocol.keys() & pages.keys()
    if twice:
        raise ConfigurationError(f"two endpoints answer at {', '.join(sorted(twice))}")
    return protocol | pages
