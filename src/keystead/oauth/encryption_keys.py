"""The keys others encrypt to for us: one per type, published in the JWK Set with `use` = `enc`, rotated by themselves.

Flow: `current` makes what is missing or old; a key that was replaced stops being published at once and still decrypts
for a day, for clients that keep the key document. What opening a key costs is paid once per process.
Spec: RFC 7517 section 4.2, OpenID Connect Core section 10.2.1 (rotation of encryption keys).
Does not: sign. `keyring` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from keystead.core.errors import ConfigurationError, StorageError
from keystead.core.jose.decryption_keys import (
    DecryptionKey,
    decryption_key_from_pem,
    decryption_key_to_pem,
    generate_decryption_key,
)
from keystead.core.records.encryption_key import EncryptionKey
from keystead.core.records.realm import Realm
from keystead.core.sealing import Sealer
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, Store, Stored, Write, find, get, put, remove

KEPT: Final = 86_400
"""Seconds for which a key that is published no more still decrypts."""

_REMEMBERED: Final = 256


class StoreEncryptionKeys:
    """A realm's encryption keys, over a store."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._opened: dict[tuple[str, str, int], DecryptionKey] = {}

    async def published(self, realm: str, now: EpochSeconds) -> tuple[dict[str, Any], ...]:
        """Return the public keys to encrypt to, one per type the realm has. Raises: LookupError for no such realm."""
        rules, keys = await self._current(realm, now)
        newest = (_newest(keys, key_type) for key_type in rules.encryption_key_types)
        return tuple(key.public_jwk for key in newest if key is not None)

    async def opened(self, realm: str, now: EpochSeconds) -> tuple[DecryptionKey, ...]:
        """Return every key that decrypts now, the published ones first.

        Raises: LookupError, ConfigurationError when the key-encryption key does not open them.
        """
        _, keys = await self._current(realm, now)
        return tuple(self._open(key) for key in sorted(keys, key=lambda key: -key.number))

    async def rotate(self, realm: str, key_type: str, now: EpochSeconds) -> EncryptionKey:
        """Replace the key of one type: the new one is published at once, the old one decrypts for a day more.

        Raises: LookupError, ValueError for a type that is not ours, ConfigurationError when somebody else rotates too.
        """
        rules, keys = await self._store.read(_look(realm, now))
        fresh = self._make(rules, key_type, _newest(keys, key_type), now)
        if not await self._store.write(lambda: _replace(fresh, keys, now)):
            raise ConfigurationError(f"realm {realm}: somebody else rotates its encryption keys; try again")
        return fresh

    async def withdraw(self, realm: str, kid: str, now: EpochSeconds) -> bool:
        """Stop using a key that leaked, at once: nothing opens what was encrypted to it. The next is made when needed.

        Answer: whether there was such a key.
        """
        return await self._store.write(lambda: remove(EncryptionKey, realm, kid))

    async def _current(self, realm: str, now: EpochSeconds) -> tuple[Realm, list[EncryptionKey]]:
        """Return the keys, those made that are missing or due. An old one serves while nothing can be written."""
        rules, keys = await self._store.read(_look(realm, now))
        due = [key_type for key_type in rules.encryption_key_types if _due(rules, _newest(keys, key_type), now)]
        if not due:
            return rules, keys
        for key_type in due:
            fresh = self._make(rules, key_type, _newest(keys, key_type), now)
            known = keys
            try:
                await self._store.write(lambda: _replace(fresh, known, now))  # noqa: B023 - run before the next turn
            except StorageError:
                continue
        return await self._store.read(_look(realm, now))

    def _make(self, rules: Realm, key_type: str, last: EncryptionKey | None, now: EpochSeconds) -> EncryptionKey:
        key = generate_decryption_key(key_type)
        number = last.number + 1 if last is not None else 1
        return EncryptionKey(
            realm=rules.id,
            id=key.kid,
            key_type=key_type,
            number=number,
            slot=f"{key_type}:{number}",
            public_jwk=key.jwk(),
            sealed_private_key=self._sealer.seal(rules.id, EncryptionKey.kind, key.kid, decryption_key_to_pem(key)),
            created_at=now,
        )

    def _open(self, key: EncryptionKey) -> DecryptionKey:
        name = (key.realm, key.id, key.version)
        opened = self._opened.get(name)
        if opened is None:
            pem = self._sealer.open(key.realm, EncryptionKey.kind, key.id, key.sealed_private_key)
            if pem is None:
                raise ConfigurationError(
                    f"the key-encryption key does not open the encryption keys of realm {key.realm}: "
                    "put the key file back that this database was made with (server.key_encryption_key)"
                )
            if len(self._opened) >= _REMEMBERED:
                self._opened.clear()
            opened = self._opened[name] = decryption_key_from_pem(pem)
        return opened


def _newest(keys: Sequence[EncryptionKey], key_type: str) -> EncryptionKey | None:
    return max((key for key in keys if key.key_type == key_type), key=lambda key: key.number, default=None)


def _due(rules: Realm, newest: EncryptionKey | None, now: EpochSeconds) -> bool:
    interval = rules.key_rotation_interval
    return newest is None or (interval > 0 and newest.created_at + interval <= now)


def _look(realm: str, now: EpochSeconds) -> Read[tuple[Realm, list[EncryptionKey]]]:
    rules = yield from get(Realm, realm, realm, now)
    if rules is None:
        raise LookupError(f"there is no realm {realm}")
    return rules, (yield from find(EncryptionKey, realm, now))


def _replace(fresh: EncryptionKey, known: Sequence[EncryptionKey], now: EpochSeconds) -> Write[bool]:
    """Store a key and let the ones before it end. Answer: whether nobody was faster."""
    outcome = yield from put(fresh, now)
    if not isinstance(outcome, Stored):
        return False
    for key in known:
        if key.key_type == fresh.key_type and key.expires_at is None:
            yield from put(msgspec.structs.replace(key, expires_at=EpochSeconds(now + KEPT)), now)
    return True
