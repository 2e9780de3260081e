-- Tuples that expire and know when they were written; a change feed that is read by type and trimmed at its old end.

ALTER TABLE relationships ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE relationships ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE relationships SET at = written.at FROM (
  SELECT realm, store, object, relation, "user", max(at) AS at FROM relationship_changes
  WHERE operation = 'write' GROUP BY realm, store, object, relation, "user"
) AS written
WHERE relationships.realm = written.realm AND relationships.store = written.store
  AND relationships.object = written.object AND relationships.relation = written.relation
  AND relationships."user" = written."user";
CREATE INDEX relationships_expiry ON relationships (expires_at) WHERE expires_at > 0;

ALTER TABLE relationship_changes ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE relationship_changes ADD COLUMN type TEXT NOT NULL DEFAULT '';
UPDATE relationship_changes SET type = substr(object, 1, max(instr(object, ':') - 1, 0));
CREATE INDEX relationship_changes_by_type ON relationship_changes (realm, store, type, revision);
CREATE INDEX relationship_changes_age ON relationship_changes (at);

-- The feed holds what came after `trimmed`. `at`: when the newest change was made.
ALTER TABLE relationship_revisions ADD COLUMN trimmed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE relationship_revisions ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE relationship_revisions SET at = coalesce((
  SELECT changes.at FROM relationship_changes AS changes
  WHERE changes.realm = relationship_revisions.realm AND changes.store = relationship_revisions.store
    AND changes.revision = relationship_revisions.revision
), 0);
