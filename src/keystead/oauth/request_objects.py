"""Request objects: an authorization request as a JWT that the client signed, and may have encrypted for us.

Flow: decrypt where it is encrypted -> verify with the client's own keys -> hold its claims against the rules -> an
`AuthorizationForm` made of what stands in it, and of nothing beside it.
Does not: take `alg: none`, which proves nothing, or merge parameters from outside the object.
Spec: RFC 9101 sections 4, 5, 6 and 10, OpenID Connect Core section 6, FAPI 2.0 Message Signing section 5.3.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.errors import InvalidRequest
from keystead.core.forms import read_form
from keystead.core.jose import jwe
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.claims import LEEWAY, audiences
from keystead.core.jose.outcomes import Rejected
from keystead.core.records.client import Client
from keystead.core.request_errors import InvalidRequestObject
from keystead.core.values import EpochSeconds
from keystead.oauth.checks.draft import AuthorizationForm
from keystead.oauth.client_keys import ClientKeysUnusable, read_signed
from keystead.oauth.context import ServerContext
from keystead.oauth.decryption import decrypt_for_us
from keystead.oauth.profiles import profile_of

LONGEST_LIFE: Final = 3600
"""Seconds between `nbf` and now, and `nbf` and `exp`, where a profile bounds them. Spec: FAPI 2.0 Message Signing."""

_TYPES: Final = ("oauth-authz-req+jwt", "jwt", "")
_LATEST: Final = 1 << 40
_DOCUMENTS: Final = frozenset({"claims", "authorization_details"})
_REFUSED: Final = "The request object"


async def read_request_object(
    token: str, client: Client, realm: str, now: EpochSeconds, cx: ServerContext
) -> AuthorizationForm:
    """Return the request that a client signed. Raises: InvalidRequestObject."""
    if jwe.looks_encrypted(token):
        token = await _decrypted(token, client, realm, now, cx)
    elif client.request_object_encryption_alg:
        raise _refused("must be encrypted, as this client registered it", "request_object.not_encrypted")
    claims = await _verified(token, client, now, cx)
    _require_honest_claims(claims, client, cx.issuer(realm), now)
    return _form(claims)


async def _decrypted(token: str, client: Client, realm: str, now: EpochSeconds, cx: ServerContext) -> str:
    inside = await decrypt_for_us(
        token,
        realm,
        now,
        cx,
        algorithm=client.request_object_encryption_alg,
        encryption=client.request_object_encryption_enc,
    )
    if isinstance(inside, Rejected):
        raise _refused("cannot be decrypted with a key of ours", "request_object.not_decrypted", inside.reason)
    return inside


async def _verified(token: str, client: Client, now: EpochSeconds, cx: ServerContext) -> dict[str, Any]:
    algorithms = profile_of(client).algorithms & ALGORITHMS
    if client.request_object_signing_alg:
        algorithms &= {client.request_object_signing_alg}
    try:
        outcome = await read_signed(token, client, cx, now, typ=_TYPES, algorithms=algorithms)
    except ClientKeysUnusable as error:
        raise _refused(
            "cannot be verified: the client's keys are not at hand", "client.without_keys", str(error)
        ) from None
    if isinstance(outcome, Rejected):
        raise _refused(
            "is not signed by the client with a registered key and algorithm",
            "request_object.rejected",
            f"{outcome.reason}: {outcome.detail}",
        )
    return outcome.claims


def _require_honest_claims(claims: dict[str, Any], client: Client, issuer: str, now: EpochSeconds) -> None:
    """Demand that the object is this client's, for us, for now, and for nothing else."""
    if "request" in claims or "request_uri" in claims:
        raise _refused("must not contain request or request_uri", "request_object.nested")
    if claims.get("client_id") != client.id:
        raise _refused("must name the client that sends it as client_id", "request_object.client_id")
    if claims.get("iss", client.id) != client.id:
        raise _refused("must be issued by the client itself", "request_object.issuer")
    if claims.get("sub") == client.id:
        raise _refused("must not have the client as its sub: that is a client assertion", "request_object.subject")
    if issuer not in audiences(claims):
        raise _refused("must have this issuer as its aud", "request_object.audience")
    _require_good_times(claims, now, bounded=profile_of(client).signed_request)


def _require_good_times(claims: dict[str, Any], now: EpochSeconds, *, bounded: bool) -> None:
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if not all(type(time) is int and 0 <= time < _LATEST for time in times.values()):
        raise _refused("has an exp, nbf or iat that is not whole seconds", "request_object.times")
    if times.get("exp", _LATEST) <= now:
        raise _refused("is expired", "request_object.expired")
    if max(times.get("nbf", 0), times.get("iat", 0)) > now + LEEWAY:
        raise _refused("is not valid yet", "request_object.not_yet_valid")
    if not bounded:
        return
    if "exp" not in times or "nbf" not in times:
        raise _refused("must say exp and nbf", "request_object.times")
    if now - times["nbf"] > LONGEST_LIFE or times["exp"] - times["nbf"] > LONGEST_LIFE:
        raise _refused("must have been valid, and stay so, for no more than 60 minutes", "request_object.times")


def _form(claims: dict[str, Any]) -> AuthorizationForm:
    """Return the parameters among the claims. Numbers become digits and JSON members become JSON again."""
    parameters = {
        name: _parameter(name, claims[name])
        for name in AuthorizationForm.__struct_fields__
        if claims.get(name) not in (None, "")
    }
    try:
        return read_form(parameters, AuthorizationForm)
    except InvalidRequest as error:
        raise _refused(f"is malformed: {error.description}", "request_object.malformed") from None


def _parameter(name: str, value: Any) -> str | tuple[str, ...]:
    if name in _DOCUMENTS and isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    if name == "resource":
        values = value if isinstance(value, list) else [value]
        if all(isinstance(one, str) for one in values):
            return tuple(values)
    elif isinstance(value, str):
        return value
    elif type(value) is int:
        return str(value)
    raise _refused(f"has a {name} of a wrong type", "request_object.malformed")


def _refused(why: str, reason: str, detail: str = "") -> InvalidRequestObject:
    return InvalidRequestObject(f"{_REFUSED} {why}.", reason=reason, detail=detail)
