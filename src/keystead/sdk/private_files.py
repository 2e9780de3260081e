"""Files and directories nobody else may read or replace: the agent's key, its socket, the bus's seeds.

Does not: defend against root, or against another process of the same user.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from keystead.core.errors import ConfigurationError


def require_private_directory(directory: Path, where: str) -> None:
    """Demand that only root and we can put or replace files in a directory.

    Every directory above it must be out of others' reach too, or sticky as /tmp is.
    Raises: ConfigurationError naming the directory and the command that mends it.
    """
    for place in (directory, *directory.parents):
        status = place.stat()
        if status.st_uid not in {0, os.geteuid()}:
            message = f"{place} belongs to another user (uid {status.st_uid}), who could replace what is in it"
            raise ConfigurationError(message, where=where)
        open_to_others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if open_to_others and (place == directory or not status.st_mode & stat.S_ISVTX):
            raise ConfigurationError(f"others may write to {place}; run: chmod go-w {place}", where=where)


def make_private_directory(directory: Path, where: str) -> Path:
    """Make a directory for us alone (0700) unless it exists, and demand that it is out of others' reach."""
    directory = directory.absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_private_directory(directory, where)
    return directory


def write_once(path: Path, content: bytes) -> bytes:
    """Write a file of mode 0600 unless it exists, whole or not at all, and return what is in it now.

    Of several processes that start together one wins, and all return the winner's content.
    """
    if not path.exists():
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        _write(temporary, content, 0o600)
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        _sync_directory(path.parent)
    return read_private(path)


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file whole or not at all, in place of the one before."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    _write(temporary, content, mode)
    temporary.replace(path)
    _sync_directory(path.parent)


def read_private(path: Path) -> bytes:
    """Return the content of a file that must be readable by its owner alone, who must be we or root.

    Raises: ConfigurationError when others may read it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with open(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_uid not in {0, os.geteuid()} or status.st_mode & 0o077:
            raise ConfigurationError("others may read or replace this secret; run: chmod 600 on it", where=str(path))
        return file.read()


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
