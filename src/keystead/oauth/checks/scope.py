"""What is asked for: scopes within the client's, resources the realm knows.

Does not: look at the person's roles (the dispatcher leaves out what they have no role for) or at consent.
"""

from __future__ import annotations

import re
from typing import Final

from keystead.core.errors import InvalidScope, InvalidTarget
from keystead.oauth.checks.draft import Draft

IDENTITY_SCOPES: Final = ("openid", "profile", "email", "offline_access")
_SCOPE_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+", re.ASCII)


def require_scope_within_client(draft: Draft) -> str:
    """Demand that every scope asked for exists and is allowed to the client; without any, `openid` is meant.

    Spec: RFC 6749 section 3.3.
    """
    allowed = frozenset(draft.client.scope.split(" "))
    asked = tuple(dict.fromkeys(item for item in draft.form.scope.split(" ") if item))
    if not asked:
        if "openid" not in allowed:
            raise InvalidScope("No scope was asked for, and this client has no default.", reason="scope.missing")
        asked = ("openid",)
    defined = frozenset(IDENTITY_SCOPES).union(*(api.scopes for api in draft.facts.apis if api.enabled))
    refused = [item for item in asked if item not in allowed or item not in defined]
    if refused:
        named = " ".join(item for item in refused if _SCOPE_TOKEN.fullmatch(item))[:200]
        raise InvalidScope(f"This client may not ask for: {named}".rstrip(": "), reason="scope.not_allowed")
    draft.scopes = asked
    return "every scope is within what the client may ask"


def require_known_resources(draft: Draft) -> str:
    """Demand that every `resource` names an API of this realm, exactly as registered. Spec: RFC 8707 section 2."""
    asked = tuple(dict.fromkeys(draft.form.resource))
    known = {api.id for api in draft.facts.apis if api.enabled}
    known.add(draft.facts.issuer)
    if any(item not in known for item in asked):
        raise InvalidTarget("A resource is not an API known here.", reason="resource.unknown")
    draft.resources = asked
    return "every resource is known" if asked else "no resource was named"
