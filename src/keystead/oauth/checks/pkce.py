"""Proof Key for Code Exchange: only S256, and who may go without."""

from __future__ import annotations

import re
from typing import Final

from keystead.core.errors import InvalidRequest
from keystead.oauth.checks.draft import Draft
from keystead.oauth.profiles import profile_of

_S256_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def require_pkce(draft: Draft) -> str:
    """Demand an S256 `code_challenge`; `plain`, and leaving the method out, are refused.

    Only OpenID Connect as it was before PKCE may come without one: a client that authenticates, that no profile holds
    to more, asking for an ID token. Whoever has a stolen code of its lacks its credentials; `profile: oauth21` shuts
    this door, too.
    Spec: RFC 7636 sections 4.2 to 4.4.1, RFC 9700 section 2.1.1, OpenID Connect Core section 3.1.2.1.
    """
    form = draft.form
    if _may_go_without(draft):
        return "no challenge: the code is bound to the credentials of a client that authenticates"
    if not form.code_challenge:
        raise InvalidRequest(
            "PKCE is required: send code_challenge and code_challenge_method=S256.", reason="pkce.missing"
        )
    if form.code_challenge_method != "S256":
        raise InvalidRequest(
            "The code_challenge_method must be S256; plain (also the default when it is left out) is not served.",
            reason="pkce.method",
        )
    if not _S256_CHALLENGE.fullmatch(form.code_challenge):
        raise InvalidRequest(
            "The code_challenge is not the base64url SHA-256 of a code_verifier: 43 characters, no padding.",
            reason="pkce.malformed",
        )
    return "an S256 challenge binds the code to whoever began"


def _may_go_without(draft: Draft) -> bool:
    form, client = draft.form, draft.client
    if form.code_challenge or form.code_challenge_method or profile_of(client).pkce:
        return False
    return client.token_endpoint_auth_method != "none" and "openid" in form.scope.split()  # noqa: S105 - a method
