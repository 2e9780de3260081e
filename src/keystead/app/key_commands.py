"""What `keystead keys` does to a database, beside running servers or without any."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from keystead.app.database import open_database
from keystead.app.settings import Settings
from keystead.core.errors import ConfigurationError
from keystead.core.records.encryption_key import EncryptionKey
from keystead.core.records.signing_key import SigningKey
from keystead.core.values import EpochSeconds, Seconds
from keystead.oauth.keyring import StoreKeyRing
from keystead.storage.ports import find

PUBLISHED_FIRST = Seconds(3)
"""How long even a key that is to sign at once is only shown: a process may show a key set that is two seconds old."""


async def describe_keys(settings: Settings, path: Path, realm: str | None, now: int) -> list[str]:
    """Return a line for every key: those that sign, and those that others encrypt to."""
    lines = []
    async with open_database(settings, path, make=False) as (store, _):
        for name in [realm] if realm else list(settings.realms):
            keys = await store.read(find(SigningKey, name, EpochSeconds(now)))
            lines += [_describe(key, now) for key in sorted(keys, key=lambda key: key.signs_from)]
            opening = await store.read(find(EncryptionKey, name, EpochSeconds(now)))
            lines += [_describe_encryption(key) for key in sorted(opening, key=lambda key: key.number)]
    return lines or ["no keys yet: the first is made when it is first needed"]


async def rotate_key(settings: Settings, path: Path, realm: str, algorithm: str, immediately: bool) -> str:
    """Publish the next key of a realm, and return what to say about it. The only realm need not be named."""
    realm = realm or _only_realm(settings)
    now = EpochSeconds(int(time.time()))
    async with open_database(settings, path) as (store, sealer):
        ring = StoreKeyRing(store, sealer)
        try:
            key = await ring.rotate(realm, now, algorithm, immediately=immediately, published_first=PUBLISHED_FIRST)
        except LookupError as error:
            raise ConfigurationError(f"{error}; `keystead apply` makes those of the file") from error
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
    return _describe(key, now)


async def withdraw_key(settings: Settings, path: Path, realm: str, kid: str) -> str:
    """Stop publishing a key that leaked, and return what to say about it."""
    realm = realm or _only_realm(settings)
    async with open_database(settings, path) as (store, sealer):
        gone = await StoreKeyRing(store, sealer).withdraw(realm, kid, EpochSeconds(int(time.time())))
    if not gone:
        raise ConfigurationError(f"realm {realm} publishes no key {kid}; see `keystead keys list`")
    return f"{realm}  {kid}  withdrawn: no longer published; services refuse its tokens once they fetch the keys again"


def _only_realm(settings: Settings) -> str:
    if len(settings.realms) != 1:
        raise ConfigurationError(f"name one of the realms with --realm: {', '.join(settings.realms)}")
    return next(iter(settings.realms))


def _describe(key: SigningKey, now: int) -> str:
    if key.signs_from > now:
        state = f"published, signs from {_utc(key.signs_from)}"
    elif key.retires_at is not None and key.retires_at <= now:
        state = f"retired, published until {_utc(key.expires_at)}"
    else:
        state = f"signs since {_utc(key.signs_from)}"
    return f"{key.realm}  {key.algorithm}  {key.id}  {state}"


def _describe_encryption(key: EncryptionKey) -> str:
    state = "clients encrypt to it" if key.expires_at is None else f"replaced, opens until {_utc(key.expires_at)}"
    return f"{key.realm}  {key.key_type:<5}  {key.id}  {state}"


def _utc(at: int | None) -> str:
    return "its last token is dead" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
