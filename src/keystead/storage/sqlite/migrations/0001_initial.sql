-- Every key begins with its realm. Texts compare bytewise (BINARY collation). Times are epoch seconds.
-- Wide rows live in rowid tables, narrow ones in their primary key (WITHOUT ROWID): measured, see decision 0002.

CREATE TABLE records (
  realm TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  expires_at INTEGER,
  entries BLOB NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (realm, kind, id)
) STRICT;
CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE record_entries (
  realm TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  id TEXT NOT NULL,
  is_unique INTEGER NOT NULL,
  PRIMARY KEY (realm, kind, name, value, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX record_entries_unique ON record_entries (realm, kind, name, value) WHERE is_unique = 1;

CREATE TABLE one_time (
  realm TEXT NOT NULL,
  purpose TEXT NOT NULL,
  key TEXT NOT NULL,
  payload BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  redeemed_at INTEGER,
  PRIMARY KEY (realm, purpose, key)
) STRICT;
CREATE INDEX one_time_expiry ON one_time (expires_at);

CREATE TABLE families (
  realm TEXT NOT NULL,
  family TEXT NOT NULL,
  generation INTEGER NOT NULL,
  digest TEXT NOT NULL,
  previous_digest TEXT NOT NULL,
  binding TEXT NOT NULL,
  rotated_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  PRIMARY KEY (realm, family)
) STRICT, WITHOUT ROWID;
CREATE INDEX families_expiry ON families (expires_at);

CREATE TABLE relationships (
  realm TEXT NOT NULL,
  store TEXT NOT NULL,
  object TEXT NOT NULL,
  relation TEXT NOT NULL,
  "user" TEXT NOT NULL,
  condition TEXT NOT NULL,
  context TEXT NOT NULL,
  PRIMARY KEY (realm, store, object, relation, "user")
) STRICT, WITHOUT ROWID;
CREATE INDEX relationships_by_user ON relationships (realm, store, "user", object, relation);

CREATE TABLE relationship_revisions (
  realm TEXT NOT NULL,
  store TEXT NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (realm, store)
) STRICT, WITHOUT ROWID;

CREATE TABLE relationship_changes (
  realm TEXT NOT NULL,
  store TEXT NOT NULL,
  revision INTEGER NOT NULL,
  operation TEXT NOT NULL,
  object TEXT NOT NULL,
  relation TEXT NOT NULL,
  "user" TEXT NOT NULL,
  condition TEXT NOT NULL,
  context TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (realm, store, revision)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a sequence number is never given again, even when the newest events have been swept.
CREATE TABLE outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  realm TEXT NOT NULL,
  topic TEXT NOT NULL,
  payload BLOB NOT NULL,
  at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_by_topic ON outbox (topic, sequence);
CREATE INDEX outbox_expiry ON outbox (expires_at);

-- Grows with every write to a kind that processes keep in memory.
CREATE TABLE cache_revision (revision INTEGER NOT NULL) STRICT;
INSERT INTO cache_revision (revision) VALUES (0);

-- What the planner shall believe, since it never sees how large a store of tuples becomes: few tuples per object, few
-- per user, so that a look-up by user walks relationships_by_user and not the whole store.
ANALYZE;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('relationships', 'relationships', '1000000 1000000 1000000 20 5 1'),
  ('relationships', 'relationships_by_user', '1000000 1000000 1000000 20 2 1');
