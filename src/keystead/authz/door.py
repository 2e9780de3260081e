"""The lazy door of the embedded engine: only here, and only when called, does it meet a storage backend."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from keystead.authz.embedded import AuthorizationEngine
from keystead.authz.language import read_model
from keystead.authz.model import AuthorizationModel
from keystead.core.errors import ConfigurationError
from keystead.storage.ports import Store

if TYPE_CHECKING:
    from keystead.authz.blocking import BlockingAuthorizationEngine


def open(
    url: str,
    *,
    model: str | AuthorizationModel,
    realm: str = "default",
    store: str = "default",
    clock: Callable[[], float] = time.time,
) -> AuthorizationEngine:
    """Open an engine over `memory://` or `sqlite:///path/to.db`, a file of its own beside the service's database.

    `model` is the text of a model in the OpenFGA language, or one read before. `realm` and `store` keep the tuples
    of several tenants or modules apart in one database.
    Raises: ModelError, with line, column and remedy of everything wrong with the model; ConfigurationError for a
    URL it cannot open; StorageUnavailable.
    """
    read = read_model(model) if isinstance(model, str) else model
    return AuthorizationEngine(_open_store(url), read, realm, store, clock)


def open_sync(
    url: str,
    *,
    model: str | AuthorizationModel,
    realm: str = "default",
    store: str = "default",
    clock: Callable[[], float] = time.time,
) -> BlockingAuthorizationEngine:
    """Open the same engine for code without an event loop. Arguments and errors as with `open`."""
    from keystead.authz.blocking import BlockingAuthorizationEngine

    return BlockingAuthorizationEngine(lambda: open(url, model=model, realm=realm, store=store, clock=clock))


def _open_store(url: str) -> Store:
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "memory":
        from keystead.storage.memory import MemoryStore

        return MemoryStore()
    if separator and scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from keystead.storage.sqlite import open_store

        return open_store(rest[1:])
    raise ConfigurationError(
        f"cannot open {url!r}: write `memory://`, `sqlite:///relative.db` or `sqlite:////absolute.db`", where="url"
    )
