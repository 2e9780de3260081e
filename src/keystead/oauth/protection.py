"""What a client is told, signed and encrypted the way it registered: ID tokens, userinfo, introspection.

Flow: `protection_of` finds out how before anything is spent, and with which key of the client's; `protect` signs with
the realm's key and, where asked, encrypts the signed token (nested JWT).
Spec: OpenID Connect Core sections 2, 5.3.2 and 16.14 (signed, then encrypted); RFC 9701 section 5; RFC 7519 section 11.
Does not: say what is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from keystead.core.errors import InvalidRequest
from keystead.core.jose import jwe, jws
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.values import EpochSeconds
from keystead.oauth.client_keys import ClientKeysUnusable, encryption_key_of
from keystead.oauth.context import ServerContext

INTROSPECTION_TYPE: Final = "token-introspection+jwt"


class Protection(msgspec.Struct, frozen=True):
    """How an answer travels. No `signing`: not signed. No `algorithm`: not encrypted. `typ` is of the signed token."""

    signing: str = ""
    algorithm: str = ""
    encryption: str = ""
    key: Mapping[str, Any] = {}
    typ: str = "JWT"

    @property
    def is_plain(self) -> bool:
        """Whether it goes out as JSON."""
        return not self.signing and not self.algorithm


def id_token_algorithm(client: Client, realm: Realm) -> str:
    """Return what a client's ID tokens are signed with.

    A client that registered itself and named none means RS256; for the operator's own clients it is the realm's.
    Spec: OpenID Connect Dynamic Client Registration section 2.
    """
    registered = "RS256" if client.self_registered and "RS256" in realm.signing_algorithms else realm.signing_algorithm
    return client.id_token_signed_response_alg or registered


async def id_token_protection(client: Client, realm: Realm, now: EpochSeconds, cx: ServerContext) -> Protection:
    """Return how a client gets its ID tokens. Raises: InvalidRequest when its key cannot be had."""
    how = Protection(
        id_token_algorithm(client, realm),
        client.id_token_encrypted_response_alg,
        client.id_token_encrypted_response_enc,
    )
    return await with_key(how, client, now, cx)


async def userinfo_protection(client: Client, now: EpochSeconds, cx: ServerContext) -> Protection:
    """Return how a client gets userinfo. Raises: InvalidRequest when its key cannot be had."""
    how = Protection(
        client.userinfo_signed_response_alg,
        client.userinfo_encrypted_response_alg,
        client.userinfo_encrypted_response_enc,
    )
    return await with_key(how, client, now, cx)


async def introspection_protection(client: Client, realm: Realm, now: EpochSeconds, cx: ServerContext) -> Protection:
    """Return how a client gets signed introspection replies. Raises: InvalidRequest when its key cannot be had."""
    how = Protection(
        client.introspection_signed_response_alg or realm.signing_algorithm,
        client.introspection_encrypted_response_alg,
        client.introspection_encrypted_response_enc,
        typ=INTROSPECTION_TYPE,
    )
    return await with_key(how, client, now, cx)


async def with_key(how: Protection, client: Client, now: EpochSeconds, cx: ServerContext) -> Protection:
    """Return the same with the client's key in it, where it encrypts. Raises: InvalidRequest."""
    if not how.algorithm:
        return how
    try:
        key = await encryption_key_of(client, cx, now, how.algorithm)
        jwe.public_key(key, how.algorithm)
    except (ClientKeysUnusable, ValueError) as error:
        raise InvalidRequest(
            f"this client wants its answers encrypted with {how.algorithm}, and no key of its own for that can be had: "
            "publish one with use=enc in its jwks or at its jwks_uri",
            reason="client.encryption_key_missing",
            detail=str(error),
        ) from None
    encryption = how.encryption or jwe.DEFAULT_CONTENT_ENCRYPTION
    return msgspec.structs.replace(how, encryption=encryption, key=key)


async def protect(
    claims: Mapping[str, Any] | msgspec.Struct, how: Protection, realm: str, now: EpochSeconds, cx: ServerContext
) -> str:
    """Return the claims as a compact JWS, as a JWE, or as one within the other."""
    if not how.signing:
        return _encrypt(msgspec.json.encode(claims), how, "json")
    token = jws.sign(claims, await cx.keys.signer(realm, now, how.signing), how.typ)
    return _encrypt(token.encode(), how, "JWT") if how.algorithm else token


def _encrypt(plaintext: bytes, how: Protection, content_type: str) -> str:
    return jwe.encrypt(
        plaintext, jwk=how.key, algorithm=how.algorithm, encryption=how.encryption, content_type=content_type
    )
