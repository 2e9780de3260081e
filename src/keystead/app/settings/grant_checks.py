"""What grants a client may be given: those that are served, and only as far as it proves who it is."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from keystead.app.settings.document import Place
from keystead.app.settings.profile_checks import settled_method
from keystead.app.settings.realm import RealmSettings
from keystead.oauth.catalogue import grants

Problem = tuple[Place, str]

GIVEN_UP: Final = ("password", "implicit")
NEEDS_PROOF: Final = frozenset(
    {
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:openid:params:grant-type:ciba",
    }
)


def require_known_grants(realm: RealmSettings) -> Iterator[Problem]:
    """Demand grants that are served, and credentials where a grant rests on who the client is."""
    for index, client in enumerate(realm.clients):
        place = ("clients", index, "grant_types")
        for grant in client.grant_types:
            if grant not in grants():
                yield place, _unknown(grant)
            elif grant in NEEDS_PROOF and settled_method(client) == "none":
                yield (
                    place,
                    f"{grant} needs a client that proves itself: give it a `client_secret`, keys or a `workload`",
                )


def _unknown(grant: str) -> str:
    if grant in GIVEN_UP:
        return f"the grant `{grant}` is not served: use authorization_code with PKCE"
    served = sorted(grants())
    near = [name for name in served if name.endswith(f":{grant}")] or get_close_matches(grant, served, 1)
    return f"there is no grant `{grant}`; " + (
        f"did you mean `{near[0]}`?" if near else f"write one of {', '.join(served)}"
    )
