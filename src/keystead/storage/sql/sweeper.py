"""The sweeper's statements: what has expired goes, a bounded number of rows at a time.

Does not: decide that something has expired; reads do that on their own, swept or not.
"""

from __future__ import annotations

from typing import Final

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds
from keystead.storage.sql import records
from keystead.storage.sql.statement import Steps
from keystead.storage.sql.tuple_sweeper import sweep_expired, trim_feeds

EXPIRED_RECORDS: Final = "SELECT realm, kind, id FROM records WHERE expires_at <= ? LIMIT ?"

DELETIONS: Final = (
    """DELETE FROM one_time WHERE (realm, purpose, key) IN
    (SELECT realm, purpose, key FROM one_time WHERE expires_at <= ? LIMIT ?) RETURNING 1""",
    """DELETE FROM families WHERE (realm, family) IN
    (SELECT realm, family FROM families WHERE expires_at <= ? LIMIT ?) RETURNING 1""",
    """DELETE FROM outbox WHERE sequence IN
    (SELECT sequence FROM outbox WHERE expires_at <= ? LIMIT ?) RETURNING 1""",
)


def sweep(now: EpochSeconds, limit: int) -> Steps[int]:
    """Delete at most `limit` expired rows over all tables. Answer: how many went."""
    gone = 0
    for text in DELETIONS:
        if gone < limit:
            gone += len((yield text, (now, limit - gone)))
    if gone < limit:
        expired = yield EXPIRED_RECORDS, (now, limit - gone)
        for key in expired:
            yield from records.delete(key)
            gone += 1
        if not _kept_in_memory(Record).isdisjoint(kind for _, kind, _ in expired):
            yield records.BUMP, ()
    if gone < limit:
        gone += yield from sweep_expired(now, limit - gone)
    if gone < limit:
        gone += yield from trim_feeds(now, limit - gone)
    return gone


def _kept_in_memory(kind: type[Record]) -> set[str]:
    """Return the names of `cached` kinds: a clock that is behind must not find there what is gone here."""
    own = {kind.kind} if kind.cached else set()
    return own.union(*map(_kept_in_memory, kind.__subclasses__()))
