"""An authorization code: everything one authorization decided, waiting to be redeemed once.

Flow: `keystead.oauth.authorize` offers it (`keystead.oauth.codes.offer_code`), the authorization_code grant redeems
it. It is kept as the JSON payload of a one-time thing with purpose `authorization_code`, never as a record, and
stays behind as spent for a while, so that a replay can be told from a guess.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.values import EpochSeconds

CODE_PURPOSE: Final = "authorization_code"
CODE_PREFIX: Final = "ksc_"


class AuthorizationCode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a code is bound to, and what it buys.

    `grant_id` is chosen when the code is made (`grant.new_grant_id`): redeeming creates that grant, replaying
    revokes it. `scopes` and `resources` are those requested, allowed and consented. `code_challenge` is always an
    S256 challenge. `authorization_details` are those consented to, `claims` is the `claims` parameter, `binding` is the
    confirmation (`SenderBinding.text`) that whoever redeems must prove, empty when the request named none.
    `expires_at` ends the code itself; the one-time thing that carries it lives longer.
    Spec: RFC 6749 section 4.1.2, RFC 7636 section 4.4, RFC 8707 section 2.1.
    """

    client_id: str
    redirect_uri: str
    code_challenge: str
    subject: str
    grant_id: str
    expires_at: EpochSeconds
    sid: str = ""
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    nonce: str = ""
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: EpochSeconds = EpochSeconds(0)
    authority_epoch: int = 0
    authorization_details: tuple[dict[str, Any], ...] = ()
    claims: dict[str, Any] = {}
    binding: str = ""


_DECODER: Final = msgspec.json.Decoder(AuthorizationCode)


def encode_code(code: AuthorizationCode) -> bytes:
    """Return the payload to offer."""
    return msgspec.json.encode(code)


def decode_code(payload: bytes) -> AuthorizationCode:
    """Return what was offered."""
    return _DECODER.decode(payload)
