"""The key-encryption key: one file of 256 random bits that opens every sealed secret in the database.

Shape: 43 base64url characters and a line end, mode 0600. Beside an embedded database it is made at the first start;
any other database demands that `server.key_encryption_key` names it.
Does not: accept the key inside the configuration file, or one that others can read.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

from keystead.core.errors import ConfigurationError
from keystead.core.sealing import KEY_BYTES
from keystead.sdk.private_files import read_private, write_once

_SETTING = "server.key_encryption_key"


def new_key_text() -> bytes:
    """Return a fresh key as the content of its file."""
    return urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=") + b"\n"


def load_or_make_key(path: Path) -> bytes:
    """Return the key in a file, which is made, whole and durably, when there is none.

    Raises: ConfigurationError as `load_key`, or when the file cannot be made.
    """
    try:
        return _decode(write_once(path, new_key_text()), path)
    except OSError as error:
        raise _unusable(path, error) from error


def load_key(path: Path) -> bytes:
    """Return the key in a file.

    Raises: ConfigurationError when it is not there, open to others, or not 256 bits.
    """
    try:
        return _decode(read_private(path), path)
    except FileNotFoundError as error:
        message = f"{path} is not there; make it with `keystead keys new-encryption-key {path}`"
        raise ConfigurationError(message, where=_SETTING) from error
    except OSError as error:
        raise _unusable(path, error) from error


def _decode(content: bytes, path: Path) -> bytes:
    try:
        key = urlsafe_b64decode(content.strip() + b"=")
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"{path} does not hold a key-encryption key: expected 43 base64url characters (32 random bytes); "
            "put the right file back, or name a new one made by `keystead keys new-encryption-key` for a new database",
            where=_SETTING,
        )
    return key


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    if isinstance(error, FileNotFoundError):
        remedy = f"create the directory {path.parent} or change `server.database`"
    else:
        remedy = "the user Keystead runs as must be able to read it, and to make it when the database is new"
    return ConfigurationError(f"{path} cannot be used: {error.strerror}; {remedy}", where=_SETTING)
