"""Every operation of the contract in portable SQL, written once for all SQL backends.

Flow: one generator per operation yields statements and receives their rows; a backend's driver runs them on one
connection, inside one transaction. The rules of the contract (what is expired, who was first, what a replay is)
live here and in the conditional statements, so that a backend cannot get them wrong.
Shape: placeholders are `?`; types are TEXT, BIGINT and BLOB; times are epoch seconds.
Does not: open, commit or retry anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from keystead.storage import ports
from keystead.storage.sql import families, feed, one_time, outbox, records, relationships, tuple_sweeper
from keystead.storage.sql.statement import Steps

READS: Final[dict[type[Any], Callable[[Any], Steps[Any]]]] = {
    ports.Get: records.get,
    ports.Find: records.find,
    ports.Peek: one_time.peek,
    ports.LookAtFamily: families.look_at_family,
    ports.ReadRelationships: relationships.read_relationships,
    ports.StoredRelationships: relationships.stored_relationships,
    ports.LoadRelationships: relationships.load_relationships,
    ports.RelationshipRevision: feed.relationship_revision,
    ports.LookAtFeed: feed.look_at_feed,
    ports.RelationshipChanges: feed.relationship_changes,
    ports.ReadOutbox: outbox.read_outbox,
}

WRITES: Final[dict[type[Any], Callable[[Any], Steps[Any]]]] = {
    ports.Put: records.put,
    ports.Remove: records.remove,
    ports.Offer: one_time.offer,
    ports.Redeem: one_time.redeem,
    ports.Claim: one_time.claim,
    ports.StartFamily: families.start_family,
    ports.Rotate: families.rotate,
    ports.RevokeFamily: families.revoke_family,
    ports.WriteRelationships: relationships.write_relationships,
    ports.DropRelationships: tuple_sweeper.drop_relationships,
    ports.Emit: outbox.emit,
}
