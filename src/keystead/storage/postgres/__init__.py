"""The PostgreSQL backend: several nodes on one database, every acknowledged write durable there.

Flow: reads that wait together share a snapshot and its round trips; writes that wait together share one database
transaction, one advisory lock that admits one writer at a time over all nodes, and one commit. A transaction of the
domain sees what it would see if it ran alone: in a batch by locks in memory (`locks`), between nodes by that lock.
Nobody is answered before the commit has returned; who asked for a commit whose outcome nobody knows is told so.
Does not: know a port's rules; those are in `keystead.storage.sql`.
"""
