"""Who asks."""

from __future__ import annotations

from keystead.core.errors import InvalidRequest, UnauthorizedClient
from keystead.oauth.checks.draft import Draft


def require_known_client(draft: Draft) -> str:
    """Demand a `client_id` that this realm knows and has not switched off.

    A disabled client gets the words of an unknown one. Spec: RFC 6749 section 4.1.2.1.
    """
    if not draft.form.client_id:
        raise InvalidRequest("The parameter client_id is missing.", reason="client.missing")
    client = draft.facts.client
    if client is None:
        raise InvalidRequest("This application is not known here.", reason="client.unknown")
    if not client.enabled:
        raise InvalidRequest("This application is not known here.", reason="client.disabled")
    return "the client is known and enabled"


def require_code_grant(draft: Draft) -> str:
    """Demand that the client may use the authorization code grant.

    Spec: RFC 6749 section 4.1.2.1 (unauthorized_client), RFC 9700 section 2.1.
    """
    if "authorization_code" not in draft.client.grant_types:
        raise UnauthorizedClient(
            "This client may not use the authorization code grant; add authorization_code to its grant_types.",
            reason="client.grant_not_allowed",
        )
    return "the client may use authorization_code"
