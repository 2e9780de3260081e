"""The errors of request objects, pushed requests, rich authorization requests and step-up.

A part of the tree in `keystead.core.errors`, in a file of its own.
"""

from __future__ import annotations

from keystead.core.errors import OAuthError
from keystead.core.spec import OIDC_UNMET_AUTHENTICATION, RFC9101, RFC9396


class InvalidRequestObject(OAuthError):
    """The request object cannot be read, is not signed by the client, or says what it may not."""

    code = "invalid_request_object"
    spec = RFC9101["7"]


class InvalidRequestUri(OAuthError):
    """The request_uri is unknown, spent, expired, another client's, or cannot be fetched."""

    code = "invalid_request_uri"
    spec = RFC9101["7"]


class InvalidAuthorizationDetails(OAuthError):
    """The authorization_details are malformed, of an unknown type, or beyond what was granted."""

    code = "invalid_authorization_details"
    spec = RFC9396["5"]


class UnmetAuthenticationRequirements(OAuthError):
    """The person cannot be authenticated as the client demands."""

    code = "unmet_authentication_requirements"
    spec = OIDC_UNMET_AUTHENTICATION["2"]
