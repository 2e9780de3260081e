"""Which URIs may stand in a client's entry, whoever wrote it. Each function says what is wrong, or nothing.

Spec: RFC 6749 section 3.1.2, RFC 8252 sections 7 and 8.4, RFC 9700 sections 2.6 and 4.1.3, OpenID Connect
Registration section 2.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import SplitResult, urlsplit

_UNWANTED: Final = frozenset('\\"<>*^`{|}')
_LONGEST: Final = 2_048


def wrong_redirect_uri(uri: str) -> str:
    """Say what is wrong with a redirect URI; empty when nothing is."""
    url = _split(uri)
    if url is None:
        return "a redirect URI is plain ASCII without spaces, wildcards or quotes"
    if url.fragment or "#" in uri or "@" in url.netloc:
        return "a redirect URI has no fragment and no user name"
    if url.scheme == "http" and not is_loopback_host(url.hostname or ""):
        return "plain http only on loopback; use https"
    if url.scheme in ("https", "http"):
        return "" if url.hostname else "a redirect URI names a host"
    if "." in url.scheme:
        return ""
    return "use https, http on loopback, or a reverse-domain scheme such as com.example.app:/done"


def wrong_web_uri(uri: str) -> str:
    """Say what is wrong with the address of something people or servers fetch; empty when nothing is."""
    url = _split(uri)
    if url is None or "@" in url.netloc or not url.hostname:
        return "write an absolute https address in plain ASCII"
    if url.scheme == "https" or (url.scheme == "http" and is_loopback_host(url.hostname)):
        return ""
    return "use https"


def wrong_frontchannel_uri(uri: str, redirect_uris: tuple[str, ...]) -> str:
    """Say what is wrong with a `frontchannel_logout_uri`; empty when nothing is.

    It is framed by our page, so it must be where the client's answers go anyway.
    Spec: OpenID Connect Front-Channel Logout 1.0 section 2.
    """
    if wrong := wrong_web_uri(uri):
        return wrong
    if "#" in uri:
        return "it has no fragment"
    if _origin(uri) not in {_origin(one) for one in redirect_uris}:
        return "its scheme, host and port must be those of one of the redirect_uris"
    return ""


def _origin(uri: str) -> tuple[str, str, int | None]:
    url = _split(uri)
    if url is None:
        return "", "", None
    default = {"https": 443, "http": 80}.get(url.scheme)
    return url.scheme, (url.hostname or "").lower(), url.port or default


def host_of(uri: str) -> str:
    """Return the host of a URI in lower case, empty when it has none."""
    url = _split(uri)
    return (url.hostname or "") if url is not None else ""


def is_loopback_host(host: str) -> bool:
    """Return whether a host is this machine, by name or by address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_is_among(host: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a host is one of these: itself, or below one written `*.example.org`. No pattern admits all."""
    if not patterns:
        return True
    return any(
        host == pattern or (pattern.startswith("*.") and len(host) > len(pattern) - 1 and host.endswith(pattern[1:]))
        for pattern in patterns
    )


def _split(uri: str) -> SplitResult | None:
    if not uri.isascii() or len(uri) > _LONGEST or any(letter <= " " or letter in _UNWANTED for letter in uri):
        return None
    try:
        url = urlsplit(uri)
        _ = url.port
    except ValueError:
        return None
    return url if url.scheme and "\x7f" not in uri else None
