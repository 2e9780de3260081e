"""May this token in, and to what? The one place where a bus, whichever its protocol, gets its answer.

Flow: the token's signature, kind, issuer, audience and time; then, at one snapshot of the store, that the token was not
revoked, that its subject is a workload and enabled, and what its role assignments allow.
Does not: admit people, plain clients, or anybody who acts for somebody else: a bus token is a workload's own.
Spec: RFC 9068 section 4, RFC 8725 section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from keystead.bus.permissions import BusPermissions, permissions_of
from keystead.core.decisions import Check, Credential, Denied
from keystead.core.jose import jws
from keystead.core.jose.claims import Expectation, check_claims
from keystead.core.jose.outcomes import Rejected
from keystead.core.protocols import KeyRing
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.revocation import RevokedToken
from keystead.core.records.workload import Workload
from keystead.core.tokens import ACCESS_TOKEN_TYPE, AccessClaims
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, Store, get

_REQUIRED: Final = ("sub", "client_id", "iat", "jti")
_MAXIMUM_TOKEN: Final = 8_192


class Standing(msgspec.Struct, frozen=True):
    """What an admission rests on, and what must still be so for the connection to stay.

    `digest` is that of the permissions. Nothing in it is secret: brokers show it beside the connection.
    """

    workload: str
    client_id: str
    token_id: str
    key_id: str
    digest: str


class Admitted(msgspec.Struct, frozen=True):
    """In, to these subjects, until the token ends."""

    standing: Standing
    permissions: BusPermissions
    expires_at: EpochSeconds
    credential: Credential
    checks: tuple[Check, ...]


class Refused(msgspec.Struct, frozen=True):
    """Out. The reason is for our log; a client learns nothing of it."""

    reason: str
    detail: str
    checks: tuple[Check, ...] = ()
    credential: Credential | None = None


class Admission:
    """Decides for one bus: one realm's tokens, one audience. `clock` says what time it is."""

    def __init__(
        self, *, store: Store, keys: KeyRing, realm: str, issuer: str, audience: str, clock: Callable[[], EpochSeconds]
    ) -> None:
        if not audience:
            raise ValueError("a bus without an audience would take any service's token")
        self._store = store
        self._keys = keys
        self.realm = realm
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    async def admit(self, token: str) -> Admitted | Refused:
        """Decide about one token. Raises: StorageUnavailable."""
        if not token:
            return Refused("bus.no_token", "connect with a token: the agent gives one for the bus's audience")
        now = self._clock()
        keys = await self._keys.key_set(self.realm, now)
        verified = jws.read(token, keys=keys, typ={ACCESS_TOKEN_TYPE}, maximum=_MAXIMUM_TOKEN)
        if isinstance(verified, Rejected):
            return _refused(verified)
        expectation = Expectation(issuer=self._issuer, audience=self._audience, now=now, required=_REQUIRED)
        checks = check_claims(verified.claims, expectation)
        claims = _read(verified.claims)
        credential = _describe(claims) if claims is not None else None
        if isinstance(checks, Rejected):
            return _refused(checks, credential)
        if claims is None or credential is None:
            return Refused("bus.claims", "the token's claims are not those of an access token")
        key_id = verified.header.kid or ""
        signed = Check("signature", True, f"signed by {self._issuer} with {verified.header.algorithm}, key {key_id}")
        return await self._admit(claims, key_id, credential, (signed, *checks), now)

    async def still(self, standing: Standing) -> Denied | None:
        """Say why a connection may not stay, or None when everything it rests on still stands, unchanged."""
        now = self._clock()
        published = await self._keys.key_set(self.realm, now)
        if not published.has(standing.key_id):
            return Denied("bus.key_revoked", "the key that signed its token is no longer published")
        found = await self._store.read(_look(self.realm, standing.workload, standing.client_id, standing.token_id, now))
        if isinstance(found, Denied):
            return found
        if _allowed(found).digest() != standing.digest:
            return Denied("bus.roles_changed", "its role assignments are no longer those it was admitted with")
        return None

    async def _admit(
        self,
        claims: AccessClaims,
        key_id: str,
        credential: Credential,
        checks: tuple[Check, ...],
        now: EpochSeconds,
    ) -> Admitted | Refused:
        if claims.of_person or claims.act is not None or claims.sid or claims.gid:
            why = "the token speaks for somebody else; the bus takes a workload's own"
            return Refused("bus.delegated", why, (*checks, Check("own_token", False, why)), credential)
        if claims.cnf is not None:
            why = "the token is bound to a key, which a connection to the bus does not prove"
            return Refused("bus.bound", why, (*checks, Check("holder", False, why)), credential)
        checks = (*checks, Check("own_token", True, "the workload speaks for itself"))
        found = await self._store.read(_look(self.realm, claims.sub, claims.client_id, claims.jti, now))
        if isinstance(found, Denied):
            return Refused(found.reason, found.detail, (*checks, Check("authority", False, found.detail)), credential)
        checks = (*checks, Check("authority", True, f"workload {found.id} is enabled, its token not revoked"))
        allowed = _allowed(found)
        if not allowed:
            why = f"workload {found.id} has no valid bus role"
            return Refused("bus.no_role", why, (*checks, Check("role", False, why)), credential)
        why = (
            f"may publish {' '.join(allowed.publish) or 'nothing'}, receive {' '.join(allowed.subscribe) or 'nothing'}"
        )
        standing = Standing(found.id, claims.client_id, claims.jti, key_id, allowed.digest())
        return Admitted(standing, allowed, claims.exp, credential, (*checks, Check("role", True, why)))


def _look(realm: str, workload: str, client_id: str, token_id: str, now: EpochSeconds) -> Read[Workload | Denied]:
    """Look the workload up as it is now.

    A client that happens to bear the name of a workload is not it: the client must be tied to that workload.
    """
    place = yield from get(Realm, realm, realm, now)
    if place is None or not place.enabled:
        return Denied("realm.disabled", f"realm {realm} is disabled")
    if (yield from get(RevokedToken, realm, token_id, now)) is not None:
        return Denied("token.revoked", "the token was revoked")
    client = yield from get(Client, realm, client_id, now)
    if client is not None and (not client.enabled or client.workload != workload):
        return Denied("bus.other_client", f"client {client_id} is disabled, or not the client of workload {workload}")
    if client is None and client_id != workload:
        return Denied("bus.other_client", f"there is no client {client_id}")
    found = yield from get(Workload, realm, workload, now)
    if found is None or not found.enabled:
        return Denied("workload.disabled", f"workload {workload} is unknown or disabled")
    return found


def _allowed(workload: Workload) -> BusPermissions:
    """Return what the roles allow; one malformed assignment takes all away, so that nobody guesses what it meant."""
    try:
        return permissions_of(workload.roles)
    except ValueError:
        return BusPermissions()


def _refused(rejected: Rejected, credential: Credential | None = None) -> Refused:
    checks = rejected.checks or (Check("token", False, rejected.detail),)
    return Refused(f"bus.token_{rejected.reason.removeprefix('jwt.')}", rejected.detail, checks, credential)


def _read(claims: Mapping[str, Any]) -> AccessClaims | None:
    try:
        return msgspec.convert(claims, AccessClaims)
    except msgspec.ValidationError:
        return None


def _describe(claims: AccessClaims) -> Credential:
    return Credential(
        "jwt_access_token",
        issuer=claims.iss,
        audience=claims.audiences,
        subject=claims.sub,
        actors=claims.actors,
        client_id=claims.client_id,
        scope=claims.scopes,
        lifetime=claims.exp - claims.iat,
        expires_at=claims.exp,
        token_id=claims.jti,
    )
