"""The memory store: the tables of the four ports, and one transaction at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from keystead.core.errors import StorageUnavailable
from keystead.core.values import EpochSeconds
from keystead.storage import ports
from keystead.storage.bell import Bell
from keystead.storage.memory.families import Families
from keystead.storage.memory.one_time import OneTime
from keystead.storage.memory.outbox import Outbox
from keystead.storage.memory.records import Records
from keystead.storage.memory.relationships import Relationships
from keystead.storage.memory.tables import Undo
from keystead.storage.ports import Read, Write

T = TypeVar("T")

Handlers = dict[type[Any], Callable[[Any], Any]]


class MemoryStore:
    """A store that lives as long as its process. Keeps the contract of `keystead.storage.ports.Store`."""

    def __init__(self) -> None:
        self._undo = Undo()
        self._records = Records(self._undo)
        self._one_time = OneTime(self._undo)
        self._families = Families(self._undo)
        self._relationships = Relationships(self._undo)
        self._outbox = Outbox(self._undo)
        self._bell = Bell(lambda: self._outbox.newest)
        self._reads = self._read_handlers()
        self._writes = self._reads | self._write_handlers()
        self._closed = False
        self._version = 0

    def version(self) -> int:
        """Return a number that is another after every write."""
        return self._version

    def probe(self) -> Callable[[], int]:
        """Return the same question, for any thread."""
        return self.version

    async def read(self, transaction: Read[T]) -> T:
        """Run a transaction that only looks. Never suspends."""
        return self._run(transaction, self._reads)

    def hold(self) -> None:
        """Do nothing: whoever does not suspend sees one state anyway."""

    def release(self) -> None:
        """Do nothing."""

    async def write(self, transaction: Callable[[], Write[T]]) -> T:
        """Run a transaction: all of it, or nothing."""
        try:
            result = self._run(transaction(), self._writes)
        except BaseException:
            self._undo.roll_back()
            raise
        self._undo.forget()
        self._version += 1
        self._bell.ring()
        return result

    async def sweep(self, now: EpochSeconds, limit: int = 500) -> int:
        """Remove at most `limit` expired rows."""
        gone = 0
        for table in (self._one_time, self._families, self._outbox, self._records, self._relationships):
            gone += table.sweep(now, max(0, limit - gone))
        self._undo.forget()
        self._version += 1
        return gone

    async def changed(self, since: int, timeout: float) -> int:
        """Wait for an outbox event after `since`, or for `timeout` seconds."""
        return await self._bell.wait(since, timeout)

    async def close(self) -> None:
        """Refuse everything from now on."""
        self._closed = True

    def _run(self, transaction: Generator[Any, Any, T], handlers: Handlers) -> T:
        if self._closed:
            raise StorageUnavailable("the store is closed")
        answer = None
        try:
            while True:
                operation = transaction.send(answer)
                perform = handlers.get(type(operation))
                if perform is None:
                    raise TypeError(f"a read transaction may not {type(operation).__name__}; run it with Store.write")
                answer = perform(operation)
        except StopIteration as end:
            result: T = end.value
            return result

    def _read_handlers(self) -> Handlers:
        return {
            ports.Get: self._records.get,
            ports.Find: self._records.find,
            ports.Peek: self._one_time.peek,
            ports.LookAtFamily: self._families.look_at_family,
            ports.ReadRelationships: self._relationships.read_relationships,
            ports.RelationshipRevision: self._relationships.relationship_revision,
            ports.StoredRelationships: self._relationships.stored_relationships,
            ports.LoadRelationships: self._relationships.load_relationships,
            ports.LookAtFeed: self._relationships.look_at_feed,
            ports.RelationshipChanges: self._relationships.relationship_changes,
            ports.ReadOutbox: self._outbox.read_outbox,
        }

    def _write_handlers(self) -> Handlers:
        return {
            ports.Put: self._records.put,
            ports.Remove: self._records.remove,
            ports.Offer: self._one_time.offer,
            ports.Redeem: self._one_time.redeem,
            ports.Claim: self._one_time.claim,
            ports.StartFamily: self._families.start_family,
            ports.Rotate: self._families.rotate,
            ports.RevokeFamily: self._families.revoke_family,
            ports.WriteRelationships: self._relationships.write_relationships,
            ports.DropRelationships: self._relationships.drop_relationships,
            ports.Emit: self._outbox.emit,
        }
