"""A backchannel authentication request: its parameters, plain or in a JWT that the client signed.

Does not: say whom it is about (`keystead.oauth.backchannel_people`), or keep anything but a spent `jti`.
Spec: OpenID Connect CIBA Core sections 7.1 and 7.1.1, FAPI-CIBA section 5.2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Line, Parameters, Token, Word, read_form
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.claims import Expectation, check_claims
from keystead.core.jose.outcomes import Rejected
from keystead.core.records.client import Client
from keystead.core.values import EpochSeconds, handle_digest
from keystead.core.waiting_errors import InvalidBindingMessage
from keystead.oauth.client_keys import ClientKeysUnusable, read_signed
from keystead.oauth.context import ServerContext
from keystead.oauth.profiles import profile_of
from keystead.storage.ports import claim

LONGEST_LIFE: Final = 3600
"""Seconds a signed request may be old, and may live. Spec: FAPI-CIBA section 5.2.2 (9)."""
LONGEST_MESSAGE: Final = 64
PURPOSE: Final = "backchannel_request"

_TYPES: Final = frozenset({"", "jwt", "oauth-authz-req+jwt"})
_REQUIRED: Final = ("iat", "nbf", "jti")
_BESIDE: Final = frozenset({"request", "client_id", "client_secret", "client_assertion", "client_assertion_type"})


class BackchannelForm(Form, frozen=True, kw_only=True):
    """The parameters, beside those that authenticate the client."""

    scope: Line = ""
    resource: tuple[Line, ...] = ()
    client_notification_token: Line = ""
    acr_values: Line = ""
    login_hint_token: Token = ""
    id_token_hint: Token = ""
    login_hint: Line = ""
    binding_message: Line = ""
    user_code: Word = ""
    requested_expiry: Word = ""
    authorization_details: Token = ""
    request: Token = ""


async def read_backchannel_form(
    parameters: Parameters, client: Client, realm: str, now: EpochSeconds, cx: ServerContext
) -> BackchannelForm:
    """Return the request. Raises: InvalidRequest."""
    form = read_form(parameters, BackchannelForm)
    if not form.request:
        if client.backchannel_authentication_request_signing_alg or profile_of(client).signed_request:
            raise _refused("this client must sign its requests: send them as a JWT in `request`", "unsigned")
        return form
    outside = sorted(set(BackchannelForm.__struct_fields__) & parameters.keys() - _BESIDE)
    if outside:
        raise _refused(f"with `request`, every parameter stands inside of it: {', '.join(outside)}", "outside")
    claims = await _verified(form.request, client, now, cx)
    _require_sound(claims, client, cx.issuer(realm), now)
    inside = _parameters(claims)
    key = handle_digest(f"{len(client.id)}:{client.id}:{claims['jti']}")
    if not await cx.store.write(lambda: claim(realm, PURPOSE, key, EpochSeconds(claims["exp"]), now)):
        raise _refused("the request was sent before", "replayed")
    return read_form(inside, BackchannelForm)


async def _verified(token: str, client: Client, now: EpochSeconds, cx: ServerContext) -> dict[str, Any]:
    named = client.backchannel_authentication_request_signing_alg
    algorithms = frozenset({named}) if named else profile_of(client).algorithms
    try:
        read = await read_signed(token, client, cx, now, typ=_TYPES, algorithms=algorithms & ALGORITHMS)
    except ClientKeysUnusable as error:
        raise _refused("the client's keys cannot be used", "keys", str(error)) from None
    if isinstance(read, Rejected):
        raise _refused("the request is not signed by this client as it registered", "signature", read.reason)
    return read.claims


def _require_sound(claims: Mapping[str, Any], client: Client, issuer: str, now: EpochSeconds) -> None:
    """Demand what a signed request must say of itself. Spec: CIBA Core section 7.1.1, FAPI-CIBA section 5.2.2."""
    checks = check_claims(claims, Expectation(issuer=client.id, audience=issuer, now=now, required=_REQUIRED))
    if isinstance(checks, Rejected):
        raise _refused(f"the request is not acceptable: {checks.detail}", "claims", checks.reason)
    if claims["nbf"] < now - LONGEST_LIFE or claims["exp"] - claims["nbf"] > LONGEST_LIFE:
        raise _refused("the request is older than an hour, or lives longer", "lifetime")
    if "sub" in claims and claims["sub"] == client.id:
        raise _refused("that is a client assertion, not a request", "assertion")


def _parameters(claims: Mapping[str, Any]) -> Parameters:
    """Return the claims that are parameters, as parameters. A number may stand for its digits."""
    found: Parameters = {}
    for name in BackchannelForm.__struct_fields__:
        value = claims.get(name)
        if value is None or name == "request":
            continue
        if name == "resource":
            found[name] = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
        elif isinstance(value, str):
            found[name] = value
        elif type(value) is int:
            found[name] = str(value)
        elif name == "authorization_details" and isinstance(value, list):
            found[name] = msgspec.json.encode(value).decode()
        else:
            raise _refused(f"the claim {name} of the request is malformed", "claims")
    return {name: value for name, value in found.items() if value}


def require_showable(message: str) -> str:
    """Demand a binding message that two screens show alike, and that leads nobody anywhere.

    Raises: InvalidBindingMessage. Spec: CIBA Core section 7.1 (`binding_message`).
    """
    if len(message) > LONGEST_MESSAGE or not message.isprintable() or "://" in message:
        raise InvalidBindingMessage(
            f"binding_message is one line of plain text without addresses, {LONGEST_MESSAGE} characters at most",
            reason="ciba.binding_message",
        )
    return message.strip()


def _refused(description: str, reason: str, detail: str = "") -> InvalidRequest:
    return InvalidRequest(description, reason=f"ciba.request_{reason}", detail=detail)
