"""What kind of answer is asked for, and how it travels."""

from __future__ import annotations

from keystead.core.errors import InvalidRequest, UnsupportedResponseType
from keystead.core.records.client import Client
from keystead.oauth.checks.draft import Draft
from keystead.oauth.profiles import profile_of
from keystead.oauth.response_modes import RESPONSE_MODES

_MAXIMUM_NONCE = 512


def require_code_response_type(draft: Draft) -> str:
    """Demand `response_type=code`; implicit and hybrid are refused with the name of what to use.

    Spec: RFC 6749 section 3.1.1, RFC 9700 section 2.1.2.
    """
    asked = draft.form.response_type
    if not asked:
        raise InvalidRequest(
            "The parameter response_type is missing; send response_type=code.", reason="response_type.missing"
        )
    if asked != "code":
        raise UnsupportedResponseType(
            "Only response_type=code is served: tokens never pass through the browser. "
            "Use the authorization code flow with PKCE (code_challenge_method=S256).",
            reason="response_type.unsupported",
        )
    return "the answer is a code"


def require_known_response_mode(draft: Draft) -> str:
    """Demand a response mode that is served, and open to the client; without one it is `query`.

    Spec: OAuth 2.0 Multiple Response Type Encoding Practices section 2.1, JARM section 2.3.
    """
    asked, allowed = draft.form.response_mode or "query", open_response_modes(draft.client)
    if profile_of(draft.client).signed_response:
        draft.response_mode = "jwt"  # for the error, if this is one
    if asked not in allowed:
        why = (
            "A code does not travel in a fragment, where scripts of the page could read it"
            if asked.partition(".")[0] == "fragment"
            else "This response_mode is not served to this client"
        )
        raise InvalidRequest(f"{why}; use one of: {', '.join(sorted(allowed))}.", reason="response_mode.unsupported")
    draft.response_mode = asked
    return f"the answer travels by {asked}"


def open_response_modes(client: Client) -> list[str]:
    """Return the response modes a client may use: those it names, else all, and signed ones where its profile says."""
    modes, signed = client.response_modes, profile_of(client).signed_response
    return [
        name for name, mode in RESPONSE_MODES.items() if (not modes or name in modes) and (mode.signed or not signed)
    ]


def require_short_nonce(draft: Draft) -> str:
    """Demand a `nonce` of bearable length; `state` is the client's own and passes through untouched.

    Spec: OpenID Connect Core section 3.1.2.1; FAPI 2.0 section 5.3.2.2 (64 characters must fit).
    """
    if len(draft.form.nonce) > _MAXIMUM_NONCE:
        raise InvalidRequest(f"The nonce is longer than {_MAXIMUM_NONCE} characters.", reason="nonce.too_long")
    return "the nonce fits"
