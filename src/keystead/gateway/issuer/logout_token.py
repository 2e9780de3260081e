"""The logout token, verified in full before anybody is signed out by it.

Spec: OpenID Connect Back-Channel Logout 1.0 section 2.6.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.decisions import Check
from keystead.core.jose.claims import Expectation, check_claims
from keystead.core.jose.jws import peek_header_unverified, read
from keystead.core.jose.outcomes import Rejected
from keystead.core.logout import LOGOUT_EVENT, LOGOUT_TOKEN_TYPE
from keystead.core.values import EpochSeconds
from keystead.gateway.issuer.directory import IssuerDirectory

LONGEST_LIFE: Final = 600
"""How old a logout token may be, and how long one may still be good for: replays are remembered that long."""


class LoggedOut(msgspec.Struct, frozen=True):
    """What a good logout token says: whose session, which (empty: all of theirs), and until when it may come again."""

    subject: str
    sid: str
    token_id: str
    expires_at: EpochSeconds
    checks: tuple[Check, ...]


async def verify_logout_token(
    token: str, *, directory: IssuerDirectory, client_id: str, now: EpochSeconds
) -> LoggedOut | Rejected:
    """Verify a logout token. Does not: tell a replay; whoever ends sessions by it spends its `token_id`.

    Raises: UpstreamError when the keys cannot be had.
    """
    header = peek_header_unverified(token)
    if header is None:
        return Rejected("jwt.malformed", "this is no JWT")
    verified = read(token, keys=await directory.keys(header.kid), typ=(LOGOUT_TOKEN_TYPE,))
    if isinstance(verified, Rejected):
        return verified
    claims = verified.claims
    checks = check_claims(
        claims, Expectation(issuer=directory.issuer, audience=client_id, now=now, required=("iat", "jti", "events"))
    )
    if isinstance(checks, Rejected):
        return checks
    return _not_a_logout(claims, now) or LoggedOut(
        claims.get("sub", ""), claims.get("sid", ""), claims["jti"], EpochSeconds(claims["exp"]), (*checks, _LOGOUT)
    )


_LOGOUT: Final = Check("logout_token", True, "tells of a logout, and of nothing else")


def _not_a_logout(claims: dict[str, Any], now: EpochSeconds) -> Rejected | None:
    events = claims["events"]
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        return Rejected("logout_token.events", "it does not tell of a logout")
    if "nonce" in claims:
        return Rejected("logout_token.nonce", "a logout token has no nonce; an ID token has")
    if not claims.get("sub") and not claims.get("sid"):
        return Rejected("logout_token.nobody", "it names neither a person nor a session")
    if claims["iat"] < now - LONGEST_LIFE or claims["exp"] > now + LONGEST_LIFE:
        return Rejected("logout_token.age", f"it is older, or good for longer, than {LONGEST_LIFE} s")
    return None
