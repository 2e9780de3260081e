"""Plan and apply. The same transaction decides and writes, so that nothing changes in between."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import msgspec

from keystead.app.convergence.authorization import authorization_changes, forget_store, forgotten_stores, stores_of
from keystead.app.convergence.desired import CONFIGURATION, account_record, desired_records
from keystead.app.convergence.difference import Change, all_of, difference
from keystead.app.convergence.revocations import tell_of
from keystead.app.convergence.sealed_secrets import with_sealed_secrets
from keystead.app.settings.authorization import StoreSettings
from keystead.app.settings.realm import RealmSettings, UserSettings
from keystead.app.settings.settings import Settings
from keystead.core.errors import ConfigurationError
from keystead.core.person_codes import person_code_mac
from keystead.core.protocols import Passwords
from keystead.core.records.account import Account
from keystead.core.records.api import Api
from keystead.core.records.authorization import AuthorizationStore
from keystead.core.records.client import Client
from keystead.core.records.record import Record
from keystead.core.records.registration import InitialAccessToken
from keystead.core.records.trusted_issuer import PartnerServer, TrustedIssuer
from keystead.core.records.workload import Agent, Workload
from keystead.core.sealing import Sealer
from keystead.core.values import EpochSeconds
from keystead.identity.accounts import account_by_username, new_account_id
from keystead.storage.ports import Read, Store, Stored, Write, get, put, remove

PRUNED_KINDS: tuple[type[Record], ...] = (
    *(InitialAccessToken, TrustedIssuer, PartnerServer, Client, Agent, Workload, Api, Account),
)
KEPT_OF_AN_ACCOUNT = frozenset(
    {
        "id",
        "password_hash",
        "authority_epoch",
        "created_at",
        "updated_at",
        "configured_password_mac",
        "new_password_due",
    }
)
KEPT: Mapping[type[Record], frozenset[str]] = {InitialAccessToken: frozenset({"uses_left"})}
"""What changes by itself once it is made."""
MAC_KIND = "configured_password"

Hashes = Mapping[str, tuple[str, str]]
"""For each user name whose password is new: the password's hash and its mac."""


class _Work(NamedTuple):
    """One realm to converge."""

    realm: str
    wanted: RealmSettings
    sealer: Sealer
    hashes: Hashes
    prune: bool
    stores: Mapping[str, StoreSettings] = {}


async def plan(
    store: Store, settings: Settings, sealer: Sealer, now: EpochSeconds, *, prune: bool = False
) -> list[Change]:
    """Return what `apply` would do, without doing it."""
    changes: list[Change] = []
    for realm, wanted in settings.realms.items():
        new = await store.read(_new_passwords(realm, wanted, sealer, now))
        work = _Work(realm, wanted, sealer, dict.fromkeys(new, ("", "")), prune, stores_of(settings.authz, realm))
        changes += await store.read(_changes(work, now))
    return changes


async def apply(
    store: Store, settings: Settings, sealer: Sealer, passwords: Passwords, now: EpochSeconds, *, prune: bool = False
) -> list[Change]:
    """Bring the store to what the settings say, one transaction a realm, and return what changed.

    Passwords are hashed before the transaction begins, and only those the file has changed.
    Raises: ConfigurationError when a name belongs to something that would collide; StorageUnavailable.
    """
    changes: list[Change] = []
    for realm, wanted in settings.realms.items():
        new = await store.read(_new_passwords(realm, wanted, sealer, now))
        hashes = await _hash_all(realm, new, sealer, passwords)
        work = _Work(realm, wanted, sealer, hashes, prune, stores_of(settings.authz, realm))
        changes += await store.write(partial(_apply, work, now))
    return changes


async def _hash_all(realm: str, users: Mapping[str, UserSettings], sealer: Sealer, passwords: Passwords) -> Hashes:
    waiting = {name: user.password for name, user in users.items() if user.password is not None}
    hashed = await asyncio.gather(*(passwords.hash(password) for password in waiting.values()))
    macs = (_mac(realm, users[name], sealer) for name in waiting)
    return dict(zip(waiting, zip(hashed, macs, strict=True), strict=True))


def _mac(realm: str, user: UserSettings, sealer: Sealer) -> str:
    password = user.password.reveal() if user.password is not None else ""
    return sealer.mac(realm, MAC_KIND, f"{len(user.username)}:{user.username}{password}".encode()).hex()


def _new_passwords(
    realm: str, wanted: RealmSettings, sealer: Sealer, now: EpochSeconds
) -> Read[dict[str, UserSettings]]:
    """Return the users whose password in the file is not the one the store was given last."""
    changed = {}
    for user in wanted.users:
        stored = yield from account_by_username(realm, user.username, now)
        known = stored.configured_password_mac if stored else ""
        if user.password is not None and known != _mac(realm, user, sealer):
            changed[user.username] = user
    return changed


def _changes(work: _Work, now: EpochSeconds) -> Read[list[Change]]:
    found: list[Change | None] = []
    realm, records = work.realm, desired_records(work.realm, work.wanted)
    for record in records:
        stored = yield from get(type(record), realm, record.id, now)
        if isinstance(record, Client):
            record = with_sealed_secrets(record, stored, work.wanted, work.sealer)
        found.append(difference(record, stored, keep=KEPT.get(type(record), frozenset())))
    names = set()
    for user in work.wanted.users:
        change, account_id = yield from _account_change(work, user, now)
        found.append(change)
        names.add(account_id)
    found += yield from authorization_changes(realm, work.stores, now)
    if work.prune:
        found += yield from forgotten_stores(realm, work.stores, now)
        kept = {(record.kind, record.id) for record in records} | {(Account.kind, name) for name in names}
        found += yield from _leftovers(realm, kept, now)
    return [change for change in found if change is not None]


def _account_change(work: _Work, user: UserSettings, now: EpochSeconds) -> Read[tuple[Change | None, str]]:
    realm, hashed = work.realm, work.hashes.get(user.username)
    stored = yield from account_by_username(realm, user.username, now)
    account = account_record(realm, user, stored.id if stored else new_account_id())
    code = user.user_code.reveal() if user.user_code is not None else ""
    account = msgspec.structs.replace(account, user_code_mac=person_code_mac(work.sealer, realm, account.id, code))
    keep = KEPT_OF_AN_ACCOUNT
    if stored is None:
        account = msgspec.structs.replace(account, created_at=now)
    # Another process may have set the same new password since it was hashed here.
    if hashed is not None and (stored is None or stored.configured_password_mac != hashed[1]):
        epoch = stored.authority_epoch + 1 if stored else 0
        account = msgspec.structs.replace(
            account,
            password_hash=hashed[0],
            configured_password_mac=hashed[1],
            new_password_due="",
            authority_epoch=epoch,
        )
        keep = frozenset({"id", "created_at", "updated_at"})
    return _dated(difference(account, stored, keep=keep), now), account.id


def _dated(change: Change | None, now: EpochSeconds) -> Change | None:
    """Return the change with the time of it in the account."""
    if change is None or not isinstance(change.record, Account):
        return change
    return msgspec.structs.replace(change, record=msgspec.structs.replace(change.record, updated_at=now))


def _leftovers(realm: str, kept: set[tuple[str, str]], now: EpochSeconds) -> Read[list[Change]]:
    """Return deletions of what an earlier file made and this one no longer names."""
    gone: list[Change] = []
    for kind in PRUNED_KINDS:
        made_here = [
            record
            for record in (yield from all_of(kind, realm, now))
            if getattr(record, "managed_by", "") == CONFIGURATION
        ]
        gone += [
            Change("delete", realm, kind.kind, record.id, record=record)
            for record in made_here
            if (kind.kind, record.id) not in kept
        ]
    return gone


def _apply(work: _Work, now: EpochSeconds) -> Write[list[Change]]:
    changes = yield from _changes(work, now)
    for change in changes:
        assert change.record is not None
        if isinstance(change.record, AuthorizationStore) and change.verb == "delete":
            yield from forget_store(change.record)
        elif change.verb == "delete":
            yield from remove(type(change.record), work.realm, change.id)
        elif not isinstance((yield from put(change.record, now)), Stored):
            raise ConfigurationError(
                f"{change.kind} {change.id} of realm {work.realm} collides with another; use another name"
            )
        yield from tell_of(change, now)
    return changes
