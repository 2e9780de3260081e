"""Opening connections: verified where they leave this machine, to a server that writes, on a schema that is ours.

Does not: keep what a dead server said. Every new connection may be to another one, so it forgets the cache.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, Final

import asyncpg

from keystead.core.errors import ConfigurationError, StorageUnavailable
from keystead.storage.postgres.address import VERIFIED, hosts, names_authorities, spoken, ssl_mode, stays_here
from keystead.storage.postgres.failures import ANY
from keystead.storage.postgres.link import Link
from keystead.storage.postgres.performer import SharedCache
from keystead.storage.postgres.schema import bring_up_to_date

CONNECT_SECONDS: Final = 4.0
OLDEST: Final = 130_000

SESSION: Final = """
SET default_transaction_isolation = 'read committed';
SET idle_in_transaction_session_timeout = '6s';
SET lock_timeout = '5s';
SET statement_timeout = 0;
SET client_min_messages = 'warning';
SET jit = off;
SET plan_cache_mode = 'force_generic_plan';
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off"""
"""Every look-up of ours goes through an index: no plan made while a table was empty must say otherwise later.

A node that stalls inside a transaction, or waits for one that does, is let go of after seconds.
"""

FACTS: Final = """
SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
current_setting('server_version_num')::bigint, current_setting('server_encoding'), current_schema(),
current_setting('synchronous_commit'), current_setting('fsync')"""

WRONG_SETTINGS: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.exceptions.ClientConfigurationError,
)
"""What waiting does not mend."""


class Connector:
    """Makes connections of one store."""

    def __init__(self, url: str, cache: SharedCache) -> None:
        self.where: Final = spoken(url)
        self._url = url
        self._cache = cache
        self._migrating = asyncio.Lock()
        self._migrated = False

    async def connect(self) -> Link:
        """Open a connection, after the first of them has brought the schema up to date.

        Raises: StorageUnavailable; ConfigurationError when the server, or what is on it, is not fit.
        """
        link = Link(await self._open(), self.where)
        try:
            await self._prepare(link)
        except BaseException:
            link.cut()
            raise
        self._cache.forget()
        return link

    async def _open(self) -> asyncpg.Connection:
        options: dict[str, Any] = {"timeout": CONNECT_SECONDS, "statement_cache_size": 0}
        if not stays_here(self._url) and ssl_mode(self._url) in ("", VERIFIED) and not names_authorities(self._url):
            options["ssl"] = ssl.create_default_context()
        elif not stays_here(self._url) and not ssl_mode(self._url):
            options["ssl"] = VERIFIED
        if len(hosts(self._url)) > 1 and "target_session_attrs=" not in self._url:
            options["target_session_attrs"] = "read-write"
        try:
            return await asyncpg.connect(self._url, server_settings={"application_name": "keystead"}, **options)
        except WRONG_SETTINGS as error:
            raise ConfigurationError(
                f"{self.where}: {error}; mend the URL, or create the role and the database",
                where="server.database",
            ) from error
        except ANY as error:
            reason = str(error) or type(error).__name__
            raise StorageUnavailable(
                f"{self.where}: cannot be reached ({reason}); is it up, and server.database right?"
            ) from error

    async def _prepare(self, link: Link) -> None:
        try:
            await link.script(SESSION)
            read_only, version, encoding, schema, durability, _ = await link.row(FACTS)
            if durability == "off":
                await link.script("SET synchronous_commit = 'on'")
            if read_only:
                raise StorageUnavailable(f"{self.where}: this server only reads: a standby, or set so")
            self._require(version >= OLDEST, "the server is too old; Keystead needs PostgreSQL 13 or newer")
            self._require(encoding == "UTF8", "the database must be made with ENCODING 'UTF8'")
            self._require(schema is not None, "the schema that `search_path` names does not exist; create it")
            async with self._migrating:
                if not self._migrated:
                    await bring_up_to_date(link, self.where)
                    self._migrated = True
        except ANY as error:
            raise link.unavailable("cannot be used", error) from error

    def _require(self, fit: bool, otherwise: str) -> None:
        if not fit:
            raise ConfigurationError(f"{self.where}: {otherwise}", where="server.database")
