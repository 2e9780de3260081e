"""What a token says, held against what we expect of it: issuer, audience, time, and the shape of every claim.

Spec: RFC 7519 section 4.1; RFC 8725 sections 3.8, 3.9 and 3.12; FAPI 2.0 section 5.3.2.1 (clock skew).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from keystead.core.decisions import Check
from keystead.core.jose.outcomes import Rejected
from keystead.core.values import EpochSeconds, Seconds

LEEWAY: Final = Seconds(10)
_LATEST: Final = 1 << 40
_MAXIMUM_TEXT: Final = 2_048
_TEXTS: Final = ("iss", "sub", "jti", "client_id", "sid", "gid", "scope", "acr", "nonce", "azp")
_TIMES: Final = ("exp", "iat", "nbf", "auth_time")


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What a token must say to be accepted.

    `audience` must be among the token's. With `only_audience` the token's `aud` must be that one text, as client
    assertions demand. `leeway` is how far in the future `iat` and `nbf` may lie, because clocks differ; `exp` has
    none, because whoever issues a token knows how long it shall live. `required` names claims that must be there
    and not empty; `iss`, `aud` and `exp` always must.
    """

    issuer: str
    audience: str
    now: EpochSeconds
    leeway: Seconds = LEEWAY
    required: tuple[str, ...] = ()
    only_audience: bool = False


def check_claims(claims: Mapping[str, Any], expectation: Expectation) -> tuple[Check, ...] | Rejected:
    """Check the claims of a token whose signature is already known to be good.

    Does not: look at scope, acr, actors or revocation.
    """
    malformed = _malformed(claims, expectation.required)
    if malformed is not None:
        return malformed
    checks: list[Check] = []
    for reason, check in (
        ("jwt.issuer", _issuer(claims, expectation)),
        ("jwt.audience", _audience(claims, expectation)),
        ("jwt.expired", _expiry(claims, expectation)),
        ("jwt.not_yet_valid", _beginning(claims, expectation)),
    ):
        checks.append(check)
        if not check.passed:
            return Rejected(reason, check.why, tuple(checks))
    return tuple(checks)


def check_form(claims: Mapping[str, Any], now: EpochSeconds, required: tuple[str, ...] = ()) -> Rejected | None:
    """Check what must hold of a token for whomever it is meant: well-formed claims, not expired, not from the future.

    For the issuer reading its own tokens. Does not: look at issuer or audience; the reader of a token for itself
    wants `check_claims`.
    """
    expectation = Expectation(issuer="", audience="", now=now)
    malformed = _malformed(claims, required)
    if malformed is not None:
        return malformed
    for reason, check in (
        ("jwt.expired", _expiry(claims, expectation)),
        ("jwt.not_yet_valid", _beginning(claims, expectation)),
    ):
        if not check.passed:
            return Rejected(reason, check.why, (check,))
    return None


def audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the audiences of a token as texts; none when the claim is absent or malformed."""
    audience = claims.get("aud")
    if isinstance(audience, str):
        return (audience,) if audience else ()
    if isinstance(audience, list) and all(isinstance(one, str) and one for one in audience):
        return tuple(audience)
    return ()


def _malformed(claims: Mapping[str, Any], required: tuple[str, ...]) -> Rejected | None:
    for name in _TEXTS:
        text = claims.get(name)
        if text is not None and not (type(text) is str and len(text) <= _MAXIMUM_TEXT and text.isprintable()):
            return _failed("jwt.claim_malformed", name, "is not a text of printable characters")
    for name in _TIMES:
        time = claims.get(name)
        if time is not None and not (type(time) is int and 0 <= time < _LATEST):
            return _failed("jwt.claim_malformed", name, "is not a whole number of seconds")
    for name in ("iss", "aud", "exp", *required):
        if claims.get(name) in (None, "", [], {}):
            return _failed("jwt.claim_missing", name, "is missing")
    if not audiences(claims):
        return _failed("jwt.claim_malformed", "aud", "is neither a text nor a list of texts")
    return None


def _failed(reason: str, name: str, why: str) -> Rejected:
    return Rejected(reason, f"claim {name} {why}", (Check("claims", False, f"{name} {why}"),))


def _issuer(claims: Mapping[str, Any], expectation: Expectation) -> Check:
    if claims["iss"] == expectation.issuer:
        return Check("issuer", True, expectation.issuer)
    return Check("issuer", False, f"issued by another than {expectation.issuer}")


def _audience(claims: Mapping[str, Any], expectation: Expectation) -> Check:
    if claims["aud"] == expectation.audience:
        return Check("audience", True, expectation.audience)
    if not expectation.only_audience and expectation.audience in audiences(claims):
        return Check("audience", True, expectation.audience)
    return Check("audience", False, f"meant for {' '.join(audiences(claims))[:200]}, not for {expectation.audience}")


def _expiry(claims: Mapping[str, Any], expectation: Expectation) -> Check:
    left = claims["exp"] - expectation.now
    return Check("expiry", left > 0, f"{left} s left" if left > 0 else f"expired {-left} s ago")


def _beginning(claims: Mapping[str, Any], expectation: Expectation) -> Check:
    ahead = max(claims.get("nbf", 0), claims.get("iat", 0)) - expectation.now
    if ahead <= expectation.leeway:
        return Check("beginning", True, "issued and valid already")
    return Check("beginning", False, f"issued or valid only in {ahead} s")
