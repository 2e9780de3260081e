"""How the client must bring its requests: pushed by the back channel, signed, answered signed, bound to a key."""

from __future__ import annotations

import re
from typing import Final

from keystead.core.errors import InvalidRequest
from keystead.oauth.checks.draft import Draft
from keystead.oauth.profiles import profile_of

_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def require_demanded_push(draft: Draft) -> str:
    """Demand a pushed request of a client that may only push. Spec: RFC 9126 section 5, FAPI 2.0 section 5.3.2.2."""
    if draft.facts.pushed:
        return "the client pushed the request"
    if profile_of(draft.client).par:
        raise InvalidRequest(
            "This client must push its requests: post them to the pushed_authorization_request_endpoint.",
            reason="request.not_pushed",
        )
    return "the client need not push its requests"


def require_demanded_signature(draft: Draft) -> str:
    """Demand a signed request object where the client may send no other.

    Spec: RFC 9101 section 10.5, FAPI 2.0 Message Signing section 5.3.1.
    """
    if draft.facts.signed:
        return "the client signed the request"
    if profile_of(draft.client).signed_request:
        raise InvalidRequest(
            "This client must sign its requests: send them as a request object.", reason="request.not_signed"
        )
    return "the client need not sign its requests"


def require_one_binding(draft: Draft) -> str:
    """Demand that `dpop_jkt`, and a proof sent along while pushing, name one key. Spec: RFC 9449 section 10.1."""
    named, proved = draft.form.dpop_jkt, draft.facts.binding
    if named and not _THUMBPRINT.fullmatch(named):
        raise InvalidRequest("The dpop_jkt is no SHA-256 thumbprint of a key.", reason="dpop_jkt.malformed")
    text = f"jkt:{named}" if named else ""
    if text and proved and text != proved:
        raise InvalidRequest("The dpop_jkt is not the key of the DPoP proof.", reason="dpop_jkt.contradiction")
    draft.binding = proved or text
    return "the code is bound to the client's key" if draft.binding else "the code is bound to no key"
