"""Errors of client registration, with the codes RFC 7591 registered for them. The tree stands in `core.errors`."""

from __future__ import annotations

from keystead.core.errors import OAuthError
from keystead.core.spec import RFC7591


class InvalidClientMetadata(OAuthError):
    """A client's metadata contradicts itself or the realm's policy."""

    code = "invalid_client_metadata"
    spec = RFC7591["3.2.2"]


class InvalidRedirectUri(OAuthError):
    """A redirect URI is malformed or not one the policy admits."""

    code = "invalid_redirect_uri"
    spec = RFC7591["3.2.2"]


class InvalidSoftwareStatement(OAuthError):
    """The software statement is malformed, expired or not signed by a trusted issuer."""

    code = "invalid_software_statement"
    spec = RFC7591["3.2.2"]


class UnapprovedSoftwareStatement(OAuthError):
    """The software statement is good, and this realm does not want its software."""

    code = "unapproved_software_statement"
    spec = RFC7591["3.2.2"]
