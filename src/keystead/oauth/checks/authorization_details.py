"""What exactly is asked for: typed objects within the realm's types and the client's."""

from __future__ import annotations

from keystead.oauth.authorization_details import read_details
from keystead.oauth.checks.draft import Draft


def require_known_authorization_details(draft: Draft) -> str:
    """Demand `authorization_details` of types that are open to the client, whole and within bounds.

    Spec: RFC 9396 sections 2, 3 and 5.
    """
    text = draft.form.authorization_details
    if not text:
        return "no authorization_details were sent"
    draft.authorization_details = read_details(text, draft.facts.realm, draft.client)
    return f"{len(draft.authorization_details)} authorization_details are of known types"
