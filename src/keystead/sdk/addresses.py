"""Which addresses may be called: https, or plain http that never leaves the machine."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from keystead.core.errors import ConfigurationError


def require_safe_url(url: str, what: str, *, danger_allow_plain_http: bool = False) -> SplitResult:
    """Return the parts of an absolute URL that may be called.

    Raises: ConfigurationError for another scheme, plain http to anything but loopback, credentials or a fragment.
    Spec: RFC 8414 section 2 (https), RFC 9700 section 2.6.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise ConfigurationError(f"{what} is not a URL") from None
    if not host or parts.username is not None or parts.fragment or not url.isascii() or not url.isprintable():
        raise ConfigurationError(f"{what} must be an absolute URL without credentials and fragment")
    if parts.scheme == "https" or (parts.scheme == "http" and (danger_allow_plain_http or is_loopback(host))):
        return parts
    raise ConfigurationError(f"{what} must be https; plain http is for this machine only (127.0.0.1, ::1, localhost)")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine by definition, without asking a resolver."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
