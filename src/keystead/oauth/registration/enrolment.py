"""Judging a client's metadata whole, giving it its credentials, and storing it.

Flow: `judge` reads, settles and checks; `enrol` makes a new client of it; `amend` puts it in an old one's place.
Does not: return a secret twice. Only digests are stored, beside a sealed copy where the method must use it.
Spec: RFC 7591 section 3.2.1, RFC 7592 section 2.
"""

from __future__ import annotations

import secrets
from typing import Any, Final, NamedTuple

import msgspec

from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.registration import REGISTERED, RegistrationPolicy
from keystead.core.records.revocation import Revocation
from keystead.core.values import EpochSeconds, handle_digest, new_handle, new_identifier
from keystead.oauth.client_secrets import USING_METHODS, sealed_secrets
from keystead.oauth.context import ServerContext
from keystead.oauth.registration.admission import Admission, count, uncount
from keystead.oauth.registration.metadata import REGISTRABLE, draft_client
from keystead.oauth.registration.policy import under_policy
from keystead.oauth.registration.rules import EITHER_SECRET, require_sound, settle
from keystead.oauth.registration.sector import require_sector
from keystead.oauth.registration.software_statement import with_statement
from keystead.oauth.revocations import announce, store
from keystead.storage.ports import Write, get, remove

MANAGEMENT_PREFIX: Final = "ksm_"
"""Every registration access token begins with it."""

SECRET_METHODS: Final = frozenset({EITHER_SECRET, "client_secret_basic", "client_secret_post", "client_secret_jwt"})
_SECRET_OCTETS: Final = 48
TELLING: Final = ("grant_types", "scope", "jwks", "jwks_uri", "token_endpoint_auth_method", "client_secret_digests")
"""Members whose change takes something away from tokens that are out."""


class Enrolled(msgspec.Struct, frozen=True):
    """A stored client, with what is said once: its secret, empty when it has none new, and its management token."""

    client: Client
    client_secret: str = ""
    registration_access_token: str = ""


class Terms(NamedTuple):
    """On whose terms a client is judged."""

    realm: Realm
    policy: RegistrationPolicy


async def judge(members: dict[str, Any], client_id: str, terms: Terms, cx: ServerContext, now: EpochSeconds) -> Client:
    """Return the metadata as a client that breaks no rule. Raises: OAuthError with a code of RFC 7591."""
    realm, policy = terms
    told = await with_statement(members, realm.registration, policy, cx, now)
    drafted = draft_client(realm.id, client_id, told)
    settled = settle(drafted, frozenset(told))
    require_sound(settled)
    admitted = under_policy(settled, policy, realm)
    await require_sector(admitted, cx.outbound, now)
    return admitted


async def enrol(
    members: dict[str, Any], realm: Realm, admission: Admission, cx: ServerContext, now: EpochSeconds
) -> Enrolled:
    """Register a new client."""
    judged = await judge(members, new_identifier("cli"), Terms(realm, admission.policy), cx, now)
    token = MANAGEMENT_PREFIX + new_handle()
    client, secret = _with_secret(judged, realm, cx, now)
    client = msgspec.structs.replace(
        client,
        self_registered=not admission.vouched,
        managed_by=REGISTERED,
        client_id_issued_at=now,
        registration_access_token_digest=handle_digest(token),
        registration_policy=admission.own_policy,
    )

    def work() -> Write[None]:
        yield from count(realm, admission, now)
        yield from store(client, now)

    await cx.store.write(work)
    return Enrolled(client, secret, token)


async def amend(old: Client, members: dict[str, Any], realm: Realm, cx: ServerContext, now: EpochSeconds) -> Enrolled:
    """Put new metadata in place of a registered client's, whole. What it is to us stays: id, switches, history."""
    policy = old.registration_policy or realm.registration.policy
    judged = await judge(members, old.id, Terms(realm, policy), cx, now)
    changes = {name: getattr(judged, name) for name in REGISTRABLE}
    client, secret = msgspec.structs.replace(old, **changes), ""
    needs = client.token_endpoint_auth_method in SECRET_METHODS
    if needs and (not old.client_secret_digests or client.token_endpoint_auth_method in USING_METHODS):
        client, secret = _with_secret(client, realm, cx, now)
    elif not needs:
        client = _without_secret(client)

    def work() -> Write[None]:
        yield from store(client, now)
        if any(getattr(client, name) != getattr(old, name) for name in TELLING):
            yield from announce(realm.id, Revocation("client_change", client.id, "registration.updated"), now)

    await cx.store.write(work)
    return Enrolled(client, secret)


async def strike(client: Client, cx: ServerContext, now: EpochSeconds) -> None:
    """Remove a client that registered itself; everything it was given is dead with it. Spec: RFC 7592 section 2.3."""

    def work() -> Write[None]:
        if (yield from get(Client, client.realm, client.id, now)) is None:
            return
        yield from remove(Client, client.realm, client.id)
        yield from uncount(client.realm, now)
        yield from announce(client.realm, Revocation("client", client.id, "registration.deleted"), now)

    await cx.store.write(work)


def _with_secret(client: Client, realm: Realm, cx: ServerContext, now: EpochSeconds) -> tuple[Client, str]:
    if client.token_endpoint_auth_method not in SECRET_METHODS:
        return client, ""
    secret = secrets.token_urlsafe(_SECRET_OCTETS)
    lifetime = realm.registration.client_secret_lifetime
    sealed: tuple[bytes, ...] = ()
    if client.token_endpoint_auth_method in USING_METHODS:
        sealed = sealed_secrets(realm.id, client.id, [secret], cx.sealer)
    return (
        msgspec.structs.replace(
            client,
            client_secret_digests=(handle_digest(secret),),
            client_secrets_sealed=sealed,
            client_secret_expiries=(),
            client_secret_expires_at=EpochSeconds(now + lifetime if lifetime else 0),
        ),
        secret,
    )


def _without_secret(client: Client) -> Client:
    return msgspec.structs.replace(
        client,
        client_secret_digests=(),
        client_secrets_sealed=(),
        client_secret_expiries=(),
        client_secret_expires_at=EpochSeconds(0),
    )
