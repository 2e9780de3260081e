"""docs/reference/endpoints.md: every endpoint under an issuer, from the catalogue."""

from __future__ import annotations

import inspect
from pathlib import Path

import msgspec

from keystead.api.authzen.metadata import ENDPOINTS as AUTHZEN
from keystead.api.openfga.table import ENDPOINTS as OPENFGA
from keystead.app.catalogue import endpoints
from keystead.app.http_server.framing import Limits
from keystead.cli.reference.markdown import GENERATED, code, table
from keystead.oauth.authorization_api import AUTHZ_READ
from keystead.oauth.catalogue import client_authentications, grants

HEAD = """Paths are relative to the issuer, `{base_url}/realms/{realm}`. Find them through discovery, not here.
The management port (`server.management_listen`) has `/health/live`, `/health/ready` and `/metrics`."""

AUTHORIZATION = """Beside the realms: OpenFGA's API under `{base_url}/authz`
([how to log in](../guides/log-an-openfga-sdk-in.md)), and [AuthZEN](../guides/authzen.md) under
`{base_url}/access/v1/`, for each store also under `{base_url}/authz/stores/{id}/access/v1/`, with public metadata at
`/.well-known/authzen-configuration`; [the console](../guides/authorization-console.md) at `{base_url}/admin`. The token
endpoint of the default realm is at `{base_url}/oauth/token` too."""

LIMITS = """Every connection has these. A body may have 65,536 bytes, and none where only GET is answered. Beyond a
limit the answer is 400, 408, 413, 414, 431 or 503, as JSON, and the connection closes."""


def page(root: Path) -> str:
    """Return the page."""
    rows = [
        (
            code(path),
            ", ".join(sorted(plugin.methods)),
            "; ".join(map(str, plugin.specs)),
            _first_line(plugin),
        )
        for path, plugin in sorted(endpoints().items())
    ]
    parts = ["# Endpoints", GENERATED, HEAD, table(["path", "methods", "specification", "what it is"], rows)]
    parts += ["## Authorization", AUTHORIZATION, table(["endpoint", "methods", "scope"], _authorization())]
    parts += ["## Grants", table(["grant_type", "specification", "what it is"], _plugins(grants().items()))]
    methods = ((type(method).method, method) for method in client_authentications())
    parts += ["## Client authentication", table(["method", "specification", "what it is"], _plugins(methods))]
    parts += ["## Limits", LIMITS, table(["limit", "value", "unit"], _limits())]
    return "\n\n".join(parts) + "\n"


def _authorization() -> list[tuple[str, str, str]]:
    rows = [
        (code(endpoint.name), method, operation.scope or "none")
        for endpoint in OPENFGA
        for method, operation in sorted(endpoint.operations.items())
    ]
    return rows + [(code(f"access/v1/{path}"), "POST", AUTHZ_READ) for path in AUTHZEN.values()]


def _limits() -> list[tuple[str, str, str]]:
    units = {"size": "bytes", "timeout": "seconds"}
    return [
        (code(field.name), str(field.default), units.get(field.name.rpartition("_")[2], "number"))
        for field in msgspec.structs.fields(Limits)
    ]


def _plugins(found: object) -> list[tuple[str, str, str]]:
    return [
        (code(name), "; ".join(map(str, plugin.specs)), _first_line(plugin))
        for name, plugin in sorted(found)  # type: ignore[call-overload]  # pairs of a name and a plug-in
    ]


def _first_line(plugin: object) -> str:
    return (inspect.getdoc(type(plugin)) or "").partition("\n\n")[0]
