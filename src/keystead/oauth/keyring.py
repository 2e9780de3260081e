"""The key ring: a realm's signing keys, kept sealed in the store, made and rotated without anybody's help.

Flow: what is published is read from the store at every call, which answers from memory while nothing changed; who
signs is asked once a second, since a key that was just replaced is still published. What it costs to open a key is
paid once per process. When a key is missing or due, whoever notices makes the next one. Several processes may
notice together: the unique slot lets one of them win, and the others use what it made.
Spec: RFC 7517 section 5, RFC 7638 (kid), RFC 9700 section 2 (keys rotate), ASVS 5.0 11.1.1.
Does not: sign. The key it returns does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from keystead.core.errors import ConfigurationError, StorageError
from keystead.core.jose.algorithms import generate, private_from_pem, private_to_pem, public_from_jwk
from keystead.core.jose.decryption_keys import DecryptionKey
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.keys import PrivateKey, PublicKey
from keystead.core.records.api import Api
from keystead.core.records.realm import Realm
from keystead.core.records.revocation import REVOCATION_TOPIC, Revocation
from keystead.core.records.signing_key import SigningKey
from keystead.core.sealing import Sealer
from keystead.core.values import EpochSeconds, Seconds
from keystead.oauth.encryption_keys import StoreEncryptionKeys
from keystead.oauth.key_schedule import (
    KEPT_AT_LEAST,
    lead,
    longest_lifetime,
    newest,
    rotation_due,
    signing_key,
    superseded,
)
from keystead.storage.ports import Read, Store, Stored, Write, emit, find, get, put, remove

_REMEMBERED: Final = 1_024
_ATTEMPTS: Final = 8
_NOT_AT_ALL: Final = Seconds(0)


class StoreKeyRing:
    """The `KeyRing` over a store."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self.encryption = StoreEncryptionKeys(store, sealer)
        self._opened: dict[tuple[str, str, int], PrivateKey] = {}
        self._published: dict[str, tuple[tuple[tuple[str, int], ...], KeySet]] = {}
        self._signers: dict[tuple[str, str], tuple[EpochSeconds, PrivateKey]] = {}
        self._tending: set[tuple[str, str]] = set()

    async def signer(self, realm: str, now: EpochSeconds, algorithm: str = "") -> PrivateKey:
        """Return the key that signs now. Made when missing, followed by the next one when its time is near.

        Raises: LookupError for an unknown realm, ValueError for an unknown algorithm, ConfigurationError when the
        key-encryption key does not open the realm's keys, StorageUnavailable when a first key cannot be stored.
        """
        known = self._signers.get((realm, algorithm))
        if known is not None and known[0] == now:
            return known[1]
        signer = await self._signer(realm, now, algorithm)
        if len(self._signers) >= _REMEMBERED:
            self._signers.clear()
        self._signers[realm, algorithm] = (now, signer)
        return signer

    async def published(self, realm: str, now: EpochSeconds) -> tuple[PublicKey, ...]:
        """Return every key a verifier may meet now, the realm's first key being made when there is none."""
        return (await self.key_set(realm, now)).keys

    async def key_set(self, realm: str, now: EpochSeconds) -> KeySet:
        """Return the published keys as a set; the same object until one of them changes."""
        rules, keys = await self._store.read(_look(realm, now))
        missing = [one for one in rules.signing_algorithms if signing_key(keys, one, now) is None]
        for algorithm in missing:
            await self._first_key(rules, algorithm, now)
        if missing:
            rules, keys = await self._store.read(_look(realm, now))
        versions = tuple((key.id, key.version) for key in keys)
        known = self._published.get(realm)
        if known is None or known[0] != versions:
            made = (public_from_jwk(key.public_jwk, algorithms=frozenset((key.algorithm,))) for key in keys)
            known = self._published[realm] = (versions, KeySet(made))
        return known[1]

    async def encryption_jwks(self, realm: str, now: EpochSeconds) -> tuple[dict[str, Any], ...]:
        """Return the public keys to encrypt to."""
        return await self.encryption.published(realm, now)

    async def decryption_keys(self, realm: str, now: EpochSeconds) -> tuple[DecryptionKey, ...]:
        """Return every key that decrypts now, the published ones first."""
        return await self.encryption.opened(realm, now)

    async def rotate(
        self,
        realm: str,
        now: EpochSeconds,
        algorithm: str = "",
        *,
        immediately: bool = False,
        published_first: Seconds = _NOT_AT_ALL,
    ) -> SigningKey:
        """Publish the next key; it signs after the overlap, or at once. A next key that already waits is used.

        `published_first` lets even an immediate one wait until every process shows it: a key set may be a second old.
        Raises: as `signer`.
        """
        for _ in range(_ATTEMPTS):
            rules, keys = await self._store.read(_look(realm, now))
            algorithm = algorithm or rules.signing_algorithm
            last = newest(keys, algorithm)
            at_once = EpochSeconds(now + published_first) if last is not None else now
            signs_from = at_once if immediately or last is None else EpochSeconds(now + lead(rules))
            if last is None or last.signs_from <= now:
                candidate = self._make(realm, algorithm, last, now, signs_from)
            elif immediately:
                candidate = msgspec.structs.replace(last, signs_from=min(last.signs_from, at_once))
            else:
                return last
            if await self._store.write(lambda: _store_key(candidate, now)):  # noqa: B023 - run before the next turn
                await self._retire(rules, now)
                self._signers.clear()
                return candidate
        raise ConfigurationError(f"realm {realm}: somebody else keeps rotating its keys; try again")

    async def withdraw(self, realm: str, kid: str, now: EpochSeconds) -> bool:
        """Stop publishing a key that leaked, at once: every token it signed is dead here, and in services as soon as
        they fetch the keys again. When it was the one that signs, the next one signs now; another process may go on
        signing with it for up to a second. A key to encrypt to opens nothing any more. Answer: whether there was
        such a key.
        """
        _, keys = await self._store.read(_look(realm, now))
        leaked = next((key for key in keys if key.id == kid), None)
        if leaked is None:
            return await self.encryption.withdraw(realm, kid, now)
        if signing_key(keys, leaked.algorithm, now) is leaked:
            await self.rotate(realm, now, leaked.algorithm, immediately=True)
        gone = await self._store.write(lambda: _withdraw(realm, kid, now))
        self._signers.clear()
        return gone

    async def _signer(self, realm: str, now: EpochSeconds, algorithm: str) -> PrivateKey:
        rules, keys = await self._store.read(_look(realm, now))
        algorithm = algorithm or rules.signing_algorithm
        current = signing_key(keys, algorithm, now)
        if current is None:
            current = await self._first_key(rules, algorithm, now)
        elif rotation_due(rules, keys, algorithm, now) or superseded(keys, now):
            await self._tend(rules, keys, algorithm, now)
        return self._open(current)

    async def _first_key(self, rules: Realm, algorithm: str, now: EpochSeconds) -> SigningKey:
        """Make the first key of an algorithm, or find the one that another process made a moment ago."""
        candidate = self._make(rules.realm, algorithm, None, now, now)
        await self._store.write(lambda: _store_key(candidate, now))
        _, keys = await self._store.read(_look(rules.realm, now))
        current = signing_key(keys, algorithm, now) or newest(keys, algorithm)
        if current is None:
            raise ConfigurationError(
                f"realm {rules.realm}: its first {algorithm} key was stored but is not to be found"
            )
        return current

    async def _tend(self, rules: Realm, keys: Sequence[SigningKey], algorithm: str, now: EpochSeconds) -> None:
        """Publish the next key and retire old ones. A store that cannot be written does not stop the current key."""
        if (rules.realm, algorithm) in self._tending:
            return
        self._tending.add((rules.realm, algorithm))
        try:
            if rotation_due(rules, keys, algorithm, now):
                last = newest(keys, algorithm)
                candidate = self._make(rules.realm, algorithm, last, now, EpochSeconds(now + lead(rules)))
                await self._store.write(lambda: _store_key(candidate, now))
            await self._retire(rules, now)
        except StorageError:
            return
        finally:
            self._tending.discard((rules.realm, algorithm))

    async def _retire(self, rules: Realm, now: EpochSeconds) -> None:
        await self._store.write(lambda: _retire_superseded(rules, now))

    def _make(
        self, realm: str, algorithm: str, last: SigningKey | None, now: EpochSeconds, signs_from: EpochSeconds
    ) -> SigningKey:
        key = generate(algorithm)
        number = last.number + 1 if last else 1
        return SigningKey(
            realm=realm,
            id=key.kid,
            algorithm=algorithm,
            number=number,
            slot=f"{algorithm}:{number}",
            public_jwk=key.public().jwk(),
            sealed_private_key=self._sealer.seal(realm, SigningKey.kind, key.kid, private_to_pem(key)),
            created_at=now,
            signs_from=signs_from,
        )

    def _open(self, key: SigningKey) -> PrivateKey:
        name = (key.realm, key.id, key.version)
        opened = self._opened.get(name)
        if opened is None:
            pem = self._sealer.open(key.realm, SigningKey.kind, key.id, key.sealed_private_key)
            if pem is None:
                raise ConfigurationError(
                    f"the key-encryption key does not open the signing keys of realm {key.realm}: "
                    "put the key file back that this database was made with (server.key_encryption_key)"
                )
            if len(self._opened) >= _REMEMBERED:
                self._opened.clear()
            opened = self._opened[name] = private_from_pem(pem, key.algorithm, key.id)
        return opened


def _look(realm: str, now: EpochSeconds) -> Read[tuple[Realm, list[SigningKey]]]:
    rules = yield from get(Realm, realm, realm, now)
    if rules is None:
        raise LookupError(f"there is no realm {realm}")
    keys = yield from find(SigningKey, realm, now)
    return rules, keys


def _store_key(key: SigningKey, now: EpochSeconds) -> Write[bool]:
    outcome = yield from put(key, now)
    return isinstance(outcome, Stored)


def _withdraw(realm: str, kid: str, now: EpochSeconds) -> Write[bool]:
    gone = yield from remove(SigningKey, realm, kid)
    if gone:
        news = msgspec.json.encode(Revocation("key", kid, "withdrawn"))
        yield from emit(realm, REVOCATION_TOPIC, news, now, EpochSeconds(now + KEPT_AT_LEAST))
    return gone


def _retire_superseded(rules: Realm, now: EpochSeconds) -> Write[None]:
    """Mark keys that no longer sign, and let each stay until the longest token it may have signed is dead."""
    keys = yield from find(SigningKey, rules.realm, now)
    pairs = superseded(keys, now)
    if not pairs:
        return
    apis = yield from find(Api, rules.realm, now)
    for key, successor in pairs:
        end = EpochSeconds(max(successor.signs_from, key.signs_from) + longest_lifetime(rules, apis))
        yield from put(msgspec.structs.replace(key, retires_at=successor.signs_from, expires_at=end), now)
