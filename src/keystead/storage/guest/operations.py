"""Operations on tuples for a guest: who writes first takes the store's row, so that numbers are given in order.

Our own backends admit one writer at a time; in a service's database transactions overlap. The row of a store's
revision is what they wait for: it is taken before anything is looked at and held to the commit, so that revisions
appear in the order of their numbers and nobody judges by what another is about to change.
"""

from __future__ import annotations

from keystead.core.values import EpochSeconds
from keystead.storage.ports import RelationshipsRefused, RelationshipsWritten, WriteRelationships
from keystead.storage.sql.relationships import ADVANCE, write_relationships
from keystead.storage.sql.statement import Steps
from keystead.storage.sql.tuple_sweeper import sweep_expired, trim_feeds


def write_alone(operation: WriteRelationships) -> Steps[RelationshipsWritten | RelationshipsRefused]:
    """Wait for other writers of the store, then write as ever."""
    yield ADVANCE, (operation.realm, operation.store, 0, 0)
    return (yield from write_relationships(operation))


def sweep(now: EpochSeconds, limit: int) -> Steps[int]:
    """Delete what has expired and old changes. The caller keeps all other writers out."""
    gone = yield from sweep_expired(now, limit)
    if gone < limit:
        gone += yield from trim_feeds(now, limit - gone)
    return gone
