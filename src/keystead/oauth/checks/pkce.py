"""Proof Key for Code Exchange, for every client, without a weaker form."""

from __future__ import annotations

import re
from typing import Final

from keystead.core.errors import InvalidRequest
from keystead.oauth.checks.draft import Draft

_S256_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def require_pkce(draft: Draft) -> str:
    """Demand an S256 `code_challenge` of everyone; `plain`, and leaving the method out, are refused.

    Spec: RFC 7636 sections 4.2 to 4.4.1, RFC 9700 section 2.1.1.
    """
    form = draft.form
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
