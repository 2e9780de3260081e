"""Which backend a database URL means. The one place that knows them all."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from keystead.core.errors import ConfigurationError
from keystead.storage.ports import Store
from keystead.storage.postgres.address import SCHEMES

_SQLITE: Final = "sqlite:///"
MEMORY: Final = "memory:"
"""What a URL of the memory backend begins with."""


def sqlite_path(url: str, directory: Path) -> Path | None:
    """Return the file a `sqlite:///` URL names, relative to `directory` unless absolute; None for another backend."""
    return directory / url.removeprefix(_SQLITE) if url.startswith(_SQLITE) else None


def open_store(url: str, directory: Path) -> Store:
    """Open the database of a URL; migrate it when its schema is older.

    Raises: ConfigurationError for a URL no backend answers to, and as the backend.
    """
    path = sqlite_path(url, directory)
    if path is not None:
        from keystead.storage.sqlite import open_store as open_sqlite

        return open_sqlite(str(path))
    if url.startswith(MEMORY):
        from keystead.storage.memory import MemoryStore

        return MemoryStore()
    if url.startswith(SCHEMES):
        return _open_postgres(url)
    scheme = url.partition(":")[0]
    raise ConfigurationError(
        f"no backend for `{scheme}:`; write sqlite:///FILE, postgresql://HOST/DATABASE (or memory:// to keep nothing)",
        where="server.database",
    )


def _open_postgres(url: str) -> Store:
    try:
        from keystead.storage.postgres.store import open_store as open_postgres
    except ImportError as error:
        raise ConfigurationError(
            "PostgreSQL needs a driver that is not installed: pip install 'keystead[server,postgres]'",
            where="server.database",
        ) from error
    return open_postgres(url)
