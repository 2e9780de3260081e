"""What an operator should know about the server a database lives on, for `keystead doctor`.

Does not: change anything beyond what opening a store does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from keystead.storage.postgres.connecting import Connector
from keystead.storage.postgres.performer import SharedCache
from keystead.storage.sql.statement import Row

LOOK: Final = """
SELECT current_setting('server_version'), current_schema(), current_setting('fsync') = 'on',
current_setting('full_page_writes') = 'on', current_setting('synchronous_commit'),
(SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
(SELECT count(*) FROM pg_stat_replication), current_setting('synchronous_standby_names') <> ''"""


class Remark(NamedTuple):
    """One thing looked at. `state`: `ok`, `note` or `bad`; `remedy`: what to do when it is not well."""

    state: Literal["ok", "note", "bad"]
    what: str
    remedy: str = ""


async def check_up(url: str) -> list[Remark]:
    """Connect and look.

    Raises: ConfigurationError, StorageUnavailable.
    """
    connector = Connector(url, SharedCache())
    link = await connector.connect()
    try:
        return list(_remarks(connector.where, await link.row(LOOK)))
    finally:
        await link.close()


def _remarks(where: str, row: Row) -> Iterator[Remark]:
    version, schema, fsync, full_pages, commit, superuser, standbys, synchronous = row
    yield Remark("ok", f"{where}: PostgreSQL {version}, schema {schema}")
    if not (fsync and full_pages):
        yield Remark(
            "bad",
            f"{where}: fsync or full_page_writes is off: a power cut loses what was acknowledged, or everything",
            "turn both on in postgresql.conf",
        )
    if standbys and not (synchronous and commit in ("on", "remote_apply", "remote_write")):
        yield Remark(
            "note",
            f"{where}: its standbys are asynchronous: a failover may lose the last acknowledged writes",
            "name one in synchronous_standby_names, with synchronous_commit = on",
        )
    if superuser:
        yield Remark(
            "note",
            f"{where}: Keystead connects as a superuser",
            "make a role that owns this database and nothing else",
        )
