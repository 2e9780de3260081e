-- Every key begins with its realm. Texts compare bytewise (COLLATE "C"). Times are epoch seconds.
-- Rows that change in place leave room on their page, so that an update need not touch an index.

CREATE TABLE records (
  realm TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  expires_at BIGINT,
  entries BYTEA NOT NULL,
  document BYTEA NOT NULL,
  PRIMARY KEY (realm, kind, id)
) WITH (fillfactor = 85);
CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE record_entries (
  realm TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  is_unique BIGINT NOT NULL,
  PRIMARY KEY (realm, kind, name, value, id)
);
CREATE UNIQUE INDEX record_entries_unique ON record_entries (realm, kind, name, value) WHERE is_unique = 1;

CREATE TABLE one_time (
  realm TEXT COLLATE "C" NOT NULL,
  purpose TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  payload BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  redeemed_at BIGINT,
  PRIMARY KEY (realm, purpose, key)
) WITH (fillfactor = 70);
CREATE INDEX one_time_expiry ON one_time (expires_at);

CREATE TABLE families (
  realm TEXT COLLATE "C" NOT NULL,
  family TEXT COLLATE "C" NOT NULL,
  generation BIGINT NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  previous_digest TEXT COLLATE "C" NOT NULL,
  binding TEXT COLLATE "C" NOT NULL,
  rotated_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  PRIMARY KEY (realm, family)
) WITH (fillfactor = 70);
CREATE INDEX families_expiry ON families (expires_at);

CREATE TABLE relationships (
  realm TEXT COLLATE "C" NOT NULL,
  store TEXT COLLATE "C" NOT NULL,
  object TEXT COLLATE "C" NOT NULL,
  relation TEXT COLLATE "C" NOT NULL,
  "user" TEXT COLLATE "C" NOT NULL,
  condition TEXT COLLATE "C" NOT NULL,
  context TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (realm, store, object, relation, "user")
);
CREATE INDEX relationships_by_user ON relationships (realm, store, "user", object, relation);

CREATE TABLE relationship_revisions (
  realm TEXT COLLATE "C" NOT NULL,
  store TEXT COLLATE "C" NOT NULL,
  revision BIGINT NOT NULL,
  PRIMARY KEY (realm, store)
) WITH (fillfactor = 50);

CREATE TABLE relationship_changes (
  realm TEXT COLLATE "C" NOT NULL,
  store TEXT COLLATE "C" NOT NULL,
  revision BIGINT NOT NULL,
  operation TEXT COLLATE "C" NOT NULL,
  object TEXT COLLATE "C" NOT NULL,
  relation TEXT COLLATE "C" NOT NULL,
  "user" TEXT COLLATE "C" NOT NULL,
  condition TEXT COLLATE "C" NOT NULL,
  context TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (realm, store, revision)
);

-- The newest number given. A row and not a SEQUENCE: a sequence is advanced outside of transactions, so that a number
-- could be committed after a higher one had been read, and a number lost to a rollback would never be told from it.
CREATE TABLE outbox_newest (sequence BIGINT NOT NULL) WITH (fillfactor = 50);
INSERT INTO outbox_newest (sequence) VALUES (0);
CREATE FUNCTION next_in_outbox() RETURNS BIGINT LANGUAGE sql VOLATILE
AS 'UPDATE outbox_newest SET sequence = sequence + 1 RETURNING sequence';

CREATE TABLE outbox (
  sequence BIGINT NOT NULL DEFAULT next_in_outbox() PRIMARY KEY,
  realm TEXT COLLATE "C" NOT NULL,
  topic TEXT COLLATE "C" NOT NULL,
  payload BYTEA NOT NULL,
  at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX outbox_by_topic ON outbox (topic, sequence);
CREATE INDEX outbox_expiry ON outbox (expires_at);

-- Grows with every write to a kind that processes keep in memory.
CREATE TABLE cache_revision (revision BIGINT NOT NULL) WITH (fillfactor = 50);
INSERT INTO cache_revision (revision) VALUES (0);
