"""What is asked for: scopes within the client's, resources the realm knows.

Does not: look at the person's roles (the dispatcher leaves out what they have no role for) or at consent.
"""

from __future__ import annotations

from keystead.core.errors import InvalidScope, InvalidTarget
from keystead.oauth.checks.draft import Draft
from keystead.oauth.profiles import profile_of
from keystead.oauth.scopes import require_known, split_scope


def require_scope_within_client(draft: Draft) -> str:
    """Demand that every scope asked for exists and is allowed to the client; without any, `openid` is meant.

    Spec: RFC 6749 section 3.3.
    """
    allowed = frozenset(draft.client.scope.split())
    asked = split_scope(draft.form.scope)
    if not asked and draft.form.authorization_details:
        return "no scope was asked for beside authorization_details"
    if not asked:
        if "openid" not in allowed:
            raise InvalidScope("No scope was asked for, and this client has no default.", reason="scope.missing")
        asked = ("openid",)
    owners = draft.facts.scope_map.owners
    refused = [scope for scope in asked if scope not in allowed or scope not in owners]
    if refused:
        raise InvalidScope(
            f"This client may not ask for: {' '.join(refused)[:200]}", reason="scope.not_allowed_for_client"
        )
    draft.scopes = asked
    return "every scope is within what the client may ask"


def require_known_resources(draft: Draft) -> str:
    """Demand that every `resource` names an API of this realm, exactly as registered, and one where a profile wants it.

    Spec: RFC 8707 section 2, Model Context Protocol (Authorization, Resource Parameter).
    """
    asked = tuple(dict.fromkeys(draft.form.resource))
    if not asked and profile_of(draft.client).resource:
        raise InvalidTarget("This client must name the resource its token is for.", reason="resource.missing")
    for resource in asked:
        require_known(resource, draft.facts.scope_map)
    draft.resources = asked
    return "every resource is known" if asked else "no resource was named"
