"""The lazy door of the embedded engine: only here, and only when called, does it meet a storage backend."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from keystead.authz.embedded import AuthorizationEngine
from keystead.authz.language import read_model
from keystead.authz.model import AuthorizationModel
from keystead.core.errors import ConfigurationError
from keystead.storage.ports import Store

if TYPE_CHECKING:
    from keystead.authz.blocking import BlockingAuthorizationEngine
    from keystead.authz.shared import SharedSource


POSTGRES_LAG: Final = 0.1
"""Seconds for which an engine over PostgreSQL answers without asking the database again."""


DRIVER_MISSING: Final = "PostgreSQL needs a driver that is not installed: pip install 'keystead[postgres]'"


class Options(TypedDict, total=False):
    """What `open` and `open_sync` take besides where and what."""

    realm: str
    store: str
    clock: Callable[[], float]
    maximum_lag: float
    progress: Callable[[int], None]
    tables: str
    shared: SharedSource


def open(url: str, *, model: str | AuthorizationModel, **options: Unpack[Options]) -> AuthorizationEngine:
    """Open an engine over `memory://`, `sqlite:///path/to.db` or `postgresql://user@host/database`.

    `model` is the text of a model in the OpenFGA language, or one read before. `realm` and `store` (both `default`)
    keep the tuples of several tenants or modules apart in one database. `maximum_lag` (0.1 seconds over PostgreSQL) is
    how old an answer may be when other processes write; a file or memory is always asked. `progress` hears how many
    tuples are loaded so far. `tables`: the tuples are in tables whose names begin so, in the service's own database;
    `table_definitions` makes them, and `engine.within(connection)` writes in the service's own transactions.
    `shared`: tuples of some types come from a server (`keystead.sdk.shared_facts.SharedFacts`) and are only read here.
    Raises: ModelError, with line, column and remedy of everything wrong with the model; ConfigurationError for a
    URL it cannot open; StorageUnavailable; TypeError for an option that does not exist.
    """
    _require_known(options)
    read = read_model(model) if isinstance(model, str) and not _names_file(model) else _require_model(model)
    tables = options.get("tables", "")
    return AuthorizationEngine(
        _open_guest(url, tables) if tables else _open_store(url),
        read,
        options.get("realm", "default"),
        options.get("store", "default"),
        options.get("clock", time.time),
        maximum_lag=options.get("maximum_lag", POSTGRES_LAG),
        progress=options.get("progress"),
        tables=tables,
        shared=options.get("shared"),
    )


def open_sync(url: str, *, model: str | AuthorizationModel, **options: Unpack[Options]) -> BlockingAuthorizationEngine:
    """Open the same engine for code without an event loop. Arguments and errors as with `open`."""
    from keystead.authz.blocking import BlockingAuthorizationEngine

    return BlockingAuthorizationEngine(lambda: open(url, model=model, **options))


def _require_known(options: Options) -> None:
    """Refuse a misspelt option: `table=` would otherwise put the tuples elsewhere without a word."""
    unknown = sorted(options.keys() - Options.__annotations__.keys())
    if unknown:
        known = ", ".join(Options.__annotations__)
        raise TypeError(f"there is no option {', '.join(unknown)}: besides `url` and `model` there are {known}")


def _require_model(model: object) -> AuthorizationModel:
    if not isinstance(model, AuthorizationModel):
        raise ConfigurationError(
            f"pass the text of a model, or what `read_model_file(path)` returns, not {str(model)[:200]!r}",
            where="model",
        )
    return model


def _names_file(model: str) -> bool:
    return "\n" not in model and model.endswith((".fga", ".mod", ".json"))


def _open_store(url: str) -> Store:
    scheme, separator, rest = url.partition("://")
    if rest == "/:memory:":
        raise ConfigurationError("tuples in memory are at `memory://`", where="url")
    if separator and scheme == "memory":
        from keystead.storage.memory import MemoryStore

        return MemoryStore()
    if separator and scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from keystead.storage.sqlite import open_store

        return open_store(rest[1:])
    if separator and scheme in ("postgresql", "postgres") and rest:
        return _open_postgres(url)
    raise ConfigurationError(
        f"cannot open {scheme + separator if separator else url!r}: write `memory://`, `sqlite:///relative.db`, "
        "`sqlite:////absolute.db` or `postgresql://user@host/database`",
        where="url",
    )


def _open_postgres(url: str) -> Store:
    try:
        from keystead.storage.postgres.store import open_store
    except ImportError as error:
        raise ConfigurationError(DRIVER_MISSING, where="url") from error
    return open_store(url)


def _open_guest(url: str, prefix: str) -> Store:
    from keystead.storage.guest import Tables

    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from keystead.storage.guest.sqlite import GuestInSqlite

        return GuestInSqlite(rest[1:], Tables(prefix))
    if scheme in ("postgresql", "postgres"):
        try:
            from keystead.storage.guest.postgres import GuestInPostgres
        except ImportError as error:
            raise ConfigurationError(DRIVER_MISSING, where="url") from error
        return GuestInPostgres(url, Tables(prefix))
    raise ConfigurationError("tables of a service are in `sqlite:///...` or `postgresql://...`", where="url")
