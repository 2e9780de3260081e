"""The ID token a client shows to say whom it means."""

from __future__ import annotations

from typing import Any, Final

from keystead.core.decisions import Denied
from keystead.core.errors import InvalidRequest
from keystead.core.jose.jws import read
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Rejected
from keystead.oauth.checks.draft import Draft

_ID_TOKEN_TYPES: Final = ("jwt",)


def require_good_id_token_hint(draft: Draft) -> str:
    """Demand that an `id_token_hint` is an ID token of ours; only its subject may then answer.

    An expired one is accepted. Spec: OpenID Connect Core section 3.1.2.1.
    """
    hint = draft.form.id_token_hint
    if not hint:
        return "no id_token_hint was sent"
    if draft.facts.keys is None:
        raise RuntimeError("a hint came without the keys to check it")
    claims = read_id_token_hint(hint, draft.facts.keys, draft.facts.issuer)
    if isinstance(claims, Denied):
        raise InvalidRequest(
            "The id_token_hint is not an ID token issued here.", reason=claims.reason, detail=claims.detail
        )
    draft.required_subject = claims["sub"]
    return "the id_token_hint is ours; only its subject may answer"


def read_id_token_hint(hint: str, keys: KeySet, issuer: str) -> dict[str, Any] | Denied:
    """Return the claims of an ID token of ours, however old, or why it is none.

    Does not: check `aud`, which is for the caller to compare with the client it knows. Nor `exp`: a hint may be old.
    """
    token = read(hint, keys=keys, typ=_ID_TOKEN_TYPES)
    if isinstance(token, Rejected):
        return Denied("id_token_hint.rejected", token.reason)
    claims = token.claims
    if claims.get("iss") != issuer:
        return Denied("id_token_hint.issuer", "another issuer made it")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        return Denied("id_token_hint.subject", "it names no subject")
    return claims
