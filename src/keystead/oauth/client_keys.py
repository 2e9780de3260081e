"""The public keys of a client: those in its `jwks`, or those at its `jwks_uri`, fetched and kept within bounds.

Flow: `read_signed` is the front door for anything a client signs (assertions, request objects): it finds the key,
verifies, and where a key is unknown or the signature does not fit, looks once for newer keys at `jwks_uri`. `keys_of`
gives the keys themselves; `encryption_key_of` the key to encrypt to.
Does not: accept a key from the token itself, or fetch more often than the allowance of `remote_documents` admits.
Spec: RFC 7591 section 2 (`jwks`, `jwks_uri`), OpenID Connect Core section 10.1.1 (rotation), RFC 8725 section 3.1.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Collection, Mapping
from typing import Any, Final

from keystead.core.jose import jws
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Rejected, VerifiedToken
from keystead.core.records.client import Client
from keystead.core.values import EpochSeconds
from keystead.oauth.bindings.certificate import thumbprint_of
from keystead.oauth.context import ServerContext
from keystead.oauth.remote_documents import Document, NotFetched, RemoteDocuments

_RSA_SIGNATURES: Final = frozenset({"RS256", "PS256"})
_RETRIED: Final = frozenset({"jwt.key_unknown", "jwt.signature", "jwt.algorithm"})
_KEPT: Final = 4096
_SIGNING: Final = "sig"
_NO_KEYS: Final[dict[str, Any]] = {"keys": []}

_documents: Final = RemoteDocuments(accept="application/jwk-set+json, application/json")
_key_sets: Final[dict[tuple[str, str, frozenset[str]], tuple[dict[str, Any], KeySet]]] = {}


class ClientKeysUnusable(Exception):
    """The client's keys cannot be had or read. The text says why, for the log."""


async def read_signed(
    token: str,
    client: Client,
    cx: ServerContext,
    now: EpochSeconds,
    *,
    typ: Collection[str],
    algorithms: frozenset[str] = ALGORITHMS,
    maximum: int = jws.MAXIMUM_TOKEN,
    use: str = _SIGNING,
) -> VerifiedToken | Rejected:
    """Verify what a client signed, with an algorithm of `algorithms`. Raises: ClientKeysUnusable.

    An RSA key that names no algorithm serves the one the token names, if that is among `algorithms`. `use` is what
    the keys say they are for, where that is not `sig` (SPIFFE says `jwt-svid`).
    """
    header = jws.peek_header_unverified(token)
    named = header.algorithm if header is not None else ""
    accepted = algorithms - (_RSA_SIGNATURES - {named})
    members, document = await _members(client, cx, now)
    outcome = jws.read(token, keys=_key_set(client, members, accepted, use), typ=typ, maximum=maximum)
    if document is None or not isinstance(outcome, Rejected) or outcome.reason not in _RETRIED:
        return outcome
    newer = await _documents.newer(client.jwks_uri, document, cx.outbound, now)
    if newer is None:
        return outcome
    return jws.read(token, keys=_key_set(client, newer.members, accepted, use), typ=typ, maximum=maximum)


async def keys_of(
    client: Client, cx: ServerContext, now: EpochSeconds, *, kid: str = "", algorithms: frozenset[str] = ALGORITHMS
) -> KeySet:
    """Return the client's keys for verifying signatures, newer ones where `kid` is not among those we have.

    An RSA key that names no algorithm is left out unless `algorithms` has only one for it; `read_signed` knows better.
    Raises: ClientKeysUnusable.
    """
    members, document = await _members(client, cx, now)
    keys = _key_set(client, members, algorithms)
    if kid and document is not None and not keys.has(kid):
        newer = await _documents.newer(client.jwks_uri, document, cx.outbound, now)
        if newer is not None:
            return _key_set(client, newer.members, algorithms)
    return keys


async def encryption_key_of(client: Client, cx: ServerContext, now: EpochSeconds, alg: str) -> Mapping[str, Any]:
    """Return the JWK to encrypt to with a key management algorithm (`RSA-OAEP-256`, `ECDH-ES`, ...).

    Raises: ClientKeysUnusable when the client has none.
    Spec: OpenID Connect Core section 10.2.
    """
    members, _ = await _members(client, cx, now)
    types = ("RSA",) if alg.startswith("RSA") else ("EC", "OKP")
    for jwk in _jwks(client, members):
        meant = jwk.get("use", "enc") == "enc" and jwk.get("alg", alg) == alg
        if meant and jwk.get("kty") in types and jwk.get("crv") != "Ed25519":
            return jwk
    raise ClientKeysUnusable(f"client {client.id} has no key for {alg}: publish one with use=enc among its keys")


async def certificates_of(client: Client, cx: ServerContext, now: EpochSeconds, *, wanted: str) -> frozenset[str]:
    """Return the thumbprints (`x5t#S256`) of the certificates the client registered, newer ones where `wanted` is not
    among those we have. Raises: ClientKeysUnusable. Spec: RFC 8705 section 2.2.2."""
    members, document = await _members(client, cx, now)
    known = _certificates(_jwks(client, members))
    if wanted not in known and document is not None:
        newer = await _documents.newer(client.jwks_uri, document, cx.outbound, now)
        if newer is not None:
            return _certificates(_jwks(client, newer.members))
    return known


def _certificates(jwks: list[Mapping[str, Any]]) -> frozenset[str]:
    found = [jwk["x5t#S256"] for jwk in jwks if isinstance(jwk.get("x5t#S256"), str)]
    for jwk in jwks:
        chain = jwk.get("x5c")
        if isinstance(chain, list) and chain and isinstance(chain[0], str):
            try:
                found.append(thumbprint_of(b64decode(chain[0], validate=True)))
            except ValueError:
                continue
    return frozenset(found)


async def _members(client: Client, cx: ServerContext, now: EpochSeconds) -> tuple[dict[str, Any], Document | None]:
    if not client.jwks_uri:
        return client.jwks or _NO_KEYS, None
    try:
        document = await _documents.get(client.jwks_uri, cx.outbound, now)
    except NotFetched as error:
        raise ClientKeysUnusable(f"the keys of client {client.id} cannot be fetched: {error}") from None
    return document.members, document


def _jwks(client: Client, members: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    jwks = members.get("keys")
    if not isinstance(jwks, list) or not all(isinstance(jwk, dict) for jwk in jwks):
        raise ClientKeysUnusable(f"the keys of client {client.id} are no JWK Set")
    return jwks


def _meant_for(use: str, client: Client, members: dict[str, Any]) -> dict[str, Any]:
    if use == _SIGNING:
        return members
    return {"keys": [{**jwk, "use": _SIGNING} for jwk in _jwks(client, members) if jwk.get("use") == use]}


def _key_set(client: Client, members: dict[str, Any], algorithms: frozenset[str], use: str = _SIGNING) -> KeySet:
    """Return the keys of a JWK Set, read once for as long as it does not change."""
    name = (client.realm, client.id, algorithms)
    kept = _key_sets.get(name)
    if kept is None or (kept[0] is not members and kept[0] != members):
        try:
            keys = KeySet.from_jwks(_meant_for(use, client, members), algorithms=algorithms)
        except ValueError as error:
            raise ClientKeysUnusable(f"the keys of client {client.id} cannot be used: {error}") from None
        if len(_key_sets) >= _KEPT:
            _key_sets.clear()
        kept = _key_sets[name] = (members, keys)
    return kept[1]
