"""What must not collide with the authorization API, which every realm has without writing it down."""

from __future__ import annotations

from collections.abc import Iterator

from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.oauth.authorization_api import AUTHZ_SCOPES, authorization_audience

Problem = tuple[Place, str]
_PREFIX = "authz:"


def require_free_scopes(realm: RealmSettings) -> Iterator[Problem]:
    """Demand that no API calls a scope of its own `authz:...`."""
    for index, api in enumerate(realm.apis):
        for scope in api.scopes:
            if scope.startswith(_PREFIX):
                yield ("apis", index, "scopes"), f"`{scope}`: names with `{_PREFIX}` belong to the authorization API"


def require_free_audience(realm: RealmSettings, base_url: str) -> Iterator[Problem]:
    """Demand that no API claims the audience of the authorization API."""
    taken = authorization_audience(base_url)
    for index, api in enumerate(realm.apis):
        if api.audience == taken:
            yield (
                ("apis", index, "audience"),
                "the authorization API has this audience already, in every realm: list its scopes "
                f"({', '.join(AUTHZ_SCOPES)}) in the `scope` of a client, and leave the API out",
            )
