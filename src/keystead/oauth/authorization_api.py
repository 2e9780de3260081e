"""The authorization API as an API of every realm: one audience, four scopes, and which people may have them.

A token may be for the whole API, or for one of its stores: then the audience is `{base}/authz/stores/{id}`.
A client or workload has the scopes when its `scope` lists them; on behalf of a person they are given only while the
person has one of the roles, the same that open the console's pages.
Does not: serve the API. `keystead.api` does.
"""

from __future__ import annotations

from typing import Final

from keystead.core.records.api import Api
from keystead.core.ulid import ULID

AUTHZ_READ: Final = "authz:read"
AUTHZ_WRITE: Final = "authz:write"
AUTHZ_MODEL: Final = "authz:model"
AUTHZ_ADMIN: Final = "authz:admin"
AUTHZ_SCOPES: Final = (AUTHZ_READ, AUTHZ_WRITE, AUTHZ_MODEL, AUTHZ_ADMIN)
VIEWER: Final = "authz-viewer"
EDITOR: Final = "authz-editor"
"""The roles of a realm that open the console: to look and ask, and to write tuples."""
LIFETIME: Final = 3_600
"""Seconds a token for it lives. OpenFGA's SDKs throw a token away ten minutes before its end, so a realm's usual five
minutes would mean a new token for every request; what is revoked is refused within a second all the same."""
STORES: Final = "/stores/"
_END: Final = "/authz"
_REALMS: Final = "/realms/"
_DESCRIPTIONS: Final = {
    AUTHZ_READ: "See who may do what",
    AUTHZ_WRITE: "Change who may do what",
    AUTHZ_MODEL: "Change the rules by which it is decided who may do what",
    AUTHZ_ADMIN: "Create and delete stores of permissions",
}


def authorization_audience(base_url: str) -> str:
    """Return the audience of the authorization API of the server at a base URL."""
    return f"{base_url}{_END}"


def api_behind(audience: str) -> str:
    """Return the audience of the API that an audience is a part of: one store is, `{base}/authz/stores/{id}`."""
    base, found, store = audience.partition(STORES)
    return base if found and base.endswith(_END) and ULID.fullmatch(store) else audience


def authorization_api(issuer: str) -> Api | None:
    """Return the API as a realm knows it; None for an issuer that is not one of a server of ours."""
    base_url, found, realm = issuer.rpartition(_REALMS)
    if not found:
        return None
    return Api(
        realm=realm,
        id=authorization_audience(base_url),
        name="Authorization",
        scopes=AUTHZ_SCOPES,
        scope_descriptions=_DESCRIPTIONS,
        access_token_lifetime=LIFETIME,
        scope_roles={AUTHZ_READ: (VIEWER, EDITOR)} | dict.fromkeys(AUTHZ_SCOPES[1:], (EDITOR,)),
    )
