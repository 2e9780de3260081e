"""What keeps a fooled web server from fetching a token for its attacker (server-side request forgery).

A process that can be made to fetch a URL of somebody's choosing can rarely be made to add a header, and a proxy in
between leaves its marks. So the agent wants one header that no browser, redirect or fetched URL adds, and refuses
whatever was forwarded, names a host, or carries a body.
"""

from __future__ import annotations

from typing import Final

from keystead.core.http import Headers

REQUIRED_HEADER: Final = b"keystead-metadata"
_FORWARDING: Final = frozenset({b"forwarded", b"via", b"x-real-ip", b"true-client-ip", b"x-original-url"})
_BROWSER: Final = frozenset({b"origin", b"referer", b"cookie"})
_BODY: Final = frozenset({b"transfer-encoding", b"content-length", b"expect", b"upgrade"})
_HOSTS: Final = frozenset({b"", b"localhost"})


def refuse_forgery(headers: Headers) -> str | None:
    """Return why a request may not be answered, or None. Header names come in lower case."""
    names = [name.replace(b"_", b"-") for name, _ in headers]
    for name in names:
        if name in _FORWARDING or name.startswith((b"x-forwarded", b"x-envoy-")):
            return f"the request was forwarded (header {name.decode('latin-1')}); ask from the process itself"
        if name in _BROWSER:
            return f"the request comes from a browser or a page (header {name.decode('latin-1')})"
    if any(value.strip() not in {b"", b"0"} for name, value in headers if name in _BODY):
        return "the request has a body, or wants another protocol"
    if [value for name, value in headers if name == REQUIRED_HEADER] != [b"true"]:
        return "the header Keystead-Metadata: true is missing"
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or any(host not in _HOSTS for host in hosts):
        return "the Host header names another than localhost"
    return None
