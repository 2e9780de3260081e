"""What discovery says about TLS client certificates: where they are asked for, and nothing where they are not taken.

Spec: RFC 8705 sections 3.3 and 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from keystead.oauth.catalogue import client_authentications
from keystead.oauth.context import ServerContext

_METHODS: Final = "_auth_methods_supported"
_FOR_BROWSERS: Final = frozenset({"authorization_endpoint", "end_session_endpoint", "check_session_iframe"})


def with_certificates(document: Mapping[str, Any], cx: ServerContext) -> dict[str, Any]:
    """Return the metadata with what holds of certificates at this server."""
    if not cx.takes_certificates:
        unserved = {method.method for method in client_authentications() if method.by_certificate}
        return {name: _without(name, value, unserved) for name, value in document.items()}
    bound: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True}
    if cx.mtls_base_url:
        bound["mtls_endpoint_aliases"] = {
            name: cx.mtls_base_url + url.removeprefix(cx.base_url)
            for name, url in document.items()
            if name.endswith("_endpoint") and name not in _FOR_BROWSERS and url.startswith(f"{cx.base_url}/")
        }
    return {**document, **bound}


def _without(name: str, value: Any, unserved: set[str]) -> Any:
    return [method for method in value if method not in unserved] if name.endswith(_METHODS) else value
