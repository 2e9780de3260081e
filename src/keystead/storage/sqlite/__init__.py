"""The SQLite backend: one file, no server, every acknowledged write on the disk.

Flow: reads run inline on the event loop, on a connection and snapshot of their own; writes go to the one writer
thread, which commits waiting transactions together (WAL, synchronous=FULL) and answers them after the fsync.
Several processes may share the file; what they keep in memory is validated against a revision in the database.
Does not: know a port's rules; those are in `keystead.storage.sql`.
"""

from keystead.storage.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
