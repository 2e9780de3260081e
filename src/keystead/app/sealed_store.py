"""A database and the key that opens what is sealed in it: opened together, checked to belong together.

Flow: `load_sealer` (the key file comes first, so that no database is ever without one) -> `open_sealed_store` ->
`require_same_key`, once, before anything is sealed.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from keystead.app.key_encryption_key import load_key, load_or_make_key
from keystead.app.stores import MEMORY, open_store, sqlite_path
from keystead.core.errors import ConfigurationError
from keystead.core.records.installation import EVERYWHERE, Installation
from keystead.core.sealing import KEY_BYTES, AesGcmSealer, Sealer
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Store, Write, get, put

_SETTING: Final = "server.key_encryption_key"
_FILE: Final = "file:"
_CHECKED: Final = b"this database belongs to this key-encryption key"


def key_file(reference: str, section: str) -> str:
    """Return the path in a `file:` reference of the settings; empty when there is none.

    Raises: ConfigurationError when it is no reference.
    """
    if reference and not reference.startswith(_FILE):
        where = f"{section}.key_encryption_key"
        raise ConfigurationError("write `file:PATH`; the key itself must not stand here", where=where)
    return reference.removeprefix(_FILE)


def open_sealed_store(url: str, directory: Path, key_file: str = "") -> tuple[Store, Sealer]:
    """Return the store of a database URL and its sealer.

    Raises: ConfigurationError, StorageUnavailable.
    """
    sealer = load_sealer(url, directory, key_file)
    return open_store(url, directory), sealer


def load_sealer(url: str, directory: Path, key_file: str) -> Sealer:
    """Return the sealer under the key in `key_file`, or under the one beside an embedded database.

    Raises: ConfigurationError when the key is missing, unsafe or no key.
    """
    try:
        return AesGcmSealer(_key(url, directory, key_file))
    except ValueError as error:
        raise ConfigurationError(str(error), where=_SETTING) from error


async def require_same_key(store: Store, sealer: Sealer, now: EpochSeconds) -> None:
    """Demand that this is the key the database was begun with; a new database remembers it.

    Raises: ConfigurationError when it is another.
    """
    check = sealer.mac(EVERYWHERE, Installation.kind, _CHECKED).hex()
    installed = await store.read(get(Installation, EVERYWHERE, Installation.kind, now))
    if installed is None:
        installed = await store.write(lambda: _remember(check, now))
    if installed.key_check != check:
        raise ConfigurationError(
            "this key-encryption key does not open this database: put the key file back that it was begun with",
            where=_SETTING,
        )


def _remember(check: str, now: EpochSeconds) -> Write[Installation]:
    known = yield from get(Installation, EVERYWHERE, Installation.kind, now)
    if known is not None:
        return known
    made = Installation(realm=EVERYWHERE, id=Installation.kind, key_check=check)
    yield from put(made, now)
    return made


def _key(url: str, directory: Path, key_file: str) -> bytes:
    if key_file:
        return load_key(directory / key_file)
    if url.startswith(MEMORY):
        return secrets.token_bytes(KEY_BYTES)
    database = sqlite_path(url, directory)
    if database is None:
        raise ConfigurationError(
            "name a key file: `key_encryption_key: file:/etc/keystead/kek` (make one with "
            "`keystead keys new-encryption-key`)",
            where=_SETTING,
        )
    path = database.with_name(f"{database.name}.key")
    if database.exists() and not path.exists():
        raise ConfigurationError(
            f"{path} is missing: it is the key of {database.name}, and nothing sealed opens without it; put it back",
            where=_SETTING,
        )
    return load_or_make_key(path)
