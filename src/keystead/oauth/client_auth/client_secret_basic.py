"""client_secret_basic: client_id and secret, each form-encoded, in an HTTP Basic header."""

from __future__ import annotations

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from typing import Final
from urllib.parse import unquote_to_bytes

from keystead.core.spec import OIDC_CORE, RFC6749
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown, refuse
from keystead.oauth.client_secrets import prove_secret
from keystead.oauth.context import ServerContext

_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)
_MAXIMUM: Final = 2048


class ClientSecretBasic(ClientAuthentication):
    """The client's secret in the Authorization header.

    Shape: `Authorization: Basic base64(formencode(client_id) ":" formencode(client_secret))`.
    Spec: RFC 6749 section 2.3.1 (the form encoding inside is part of it), RFC 7617.
    """

    method = "client_secret_basic"
    family = "client_secret"
    specs = (RFC6749["2.3.1"], OIDC_CORE["9"])
    events = ("client.malformed_basic", "client.wrong_secret", "client.secret_expired")

    def recognises(self, shown: Shown) -> bool:
        """Return whether there is an Authorization header: no other scheme authenticates a client."""
        return shown.authorization is not None

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Check the secret of the client the header names."""
        client_id, secret = _decode(shown.authorization or b"")
        client = await self.registered(shown, client_id, cx)
        return prove_secret(client, secret, self.method, shown.request.now)


def _decode(authorization: bytes) -> tuple[str, str]:
    if authorization[:6].lower() != b"basic " or len(authorization) > _MAXIMUM:
        raise refuse("client.malformed_basic", "the Authorization header is not HTTP Basic")
    encoded = authorization[6:]
    try:
        raw = a2b_base64(encoded, strict_mode=True)
        decoded = raw.decode("utf-8")
    except (BinasciiError, UnicodeDecodeError):
        raise refuse("client.malformed_basic", "the Basic credentials are not base64 of UTF-8") from None
    if b2a_base64(raw, newline=False) != encoded:  # strict_mode lets surplus padding and unused bits through
        raise refuse("client.malformed_basic", "the Basic credentials are not canonical base64")
    client_id, colon, secret = decoded.partition(":")
    if not colon:
        raise refuse("client.malformed_basic", "the Basic credentials have no colon")
    if "%" in decoded or "+" in decoded:
        return _unescape(client_id), _unescape(secret)
    return client_id, secret


def _unescape(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise refuse("client.malformed_basic", "the Basic credentials are not form-encoded: a bare percent sign")
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise refuse("client.malformed_basic", "the form-encoded Basic credentials are not UTF-8") from None
