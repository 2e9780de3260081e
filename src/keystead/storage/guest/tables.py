"""Our tables inside a service's database: their names, and the statements that make them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from keystead.core.errors import ConfigurationError

PREFIX: Final = "keystead_"

_PREFIX: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_NAMES: Final = re.compile(r"\brelationship(?:s|_revisions|_changes)(?:_\w+)?\b")

_TYPES: Final = {
    "sqlite": {"TEXT": "TEXT", "NUMBER": "INTEGER", "BY_KEY": " WITHOUT ROWID"},
    "postgresql": {"TEXT": 'TEXT COLLATE "C"', "NUMBER": "BIGINT", "BY_KEY": ""},
}

_DEFINITIONS: Final = (
    """
CREATE TABLE relationships (
  realm {TEXT} NOT NULL,
  store {TEXT} NOT NULL,
  object {TEXT} NOT NULL,
  relation {TEXT} NOT NULL,
  "user" {TEXT} NOT NULL,
  condition {TEXT} NOT NULL,
  context {TEXT} NOT NULL,
  expires_at {NUMBER} NOT NULL,
  at {NUMBER} NOT NULL,
  PRIMARY KEY (realm, store, object, relation, "user")
){BY_KEY}""",
    """
CREATE INDEX relationships_by_user ON relationships (realm, store, "user", object, relation)""",
    """
CREATE INDEX relationships_expiry ON relationships (expires_at, realm, store, object, relation, "user")
WHERE expires_at > 0""",
    """
CREATE TABLE relationship_revisions (
  realm {TEXT} NOT NULL,
  store {TEXT} NOT NULL,
  revision {NUMBER} NOT NULL,
  trimmed {NUMBER} NOT NULL DEFAULT 0,
  at {NUMBER} NOT NULL DEFAULT 0,
  PRIMARY KEY (realm, store)
){BY_KEY}""",
    """
CREATE TABLE relationship_changes (
  realm {TEXT} NOT NULL,
  store {TEXT} NOT NULL,
  revision {NUMBER} NOT NULL,
  operation {TEXT} NOT NULL,
  type {TEXT} NOT NULL,
  object {TEXT} NOT NULL,
  relation {TEXT} NOT NULL,
  "user" {TEXT} NOT NULL,
  condition {TEXT} NOT NULL,
  context {TEXT} NOT NULL,
  expires_at {NUMBER} NOT NULL,
  at {NUMBER} NOT NULL,
  PRIMARY KEY (realm, store, revision)
){BY_KEY}""",
    """
CREATE INDEX relationship_changes_by_type ON relationship_changes (realm, store, type, revision)""",
    """
CREATE INDEX relationship_changes_age ON relationship_changes (at, realm, store, revision)""",
)


class Tables:
    """The tables under one prefix."""

    def __init__(self, prefix: str = PREFIX) -> None:
        """Raises: ConfigurationError for a prefix that is not small letters, digits and underscores."""
        if not _PREFIX.fullmatch(prefix):
            raise ConfigurationError(
                f"{prefix!r} cannot begin the names of tables: write small letters, digits and `_`, like `{PREFIX}`"
            )
        self.prefix = prefix
        self.named = lru_cache(512)(self._named)
        """Returns a statement with the names these tables have."""

    def definitions(self, dialect: str) -> tuple[str, ...]:
        """Return the statements that make the tables. `dialect`: `sqlite` or `postgresql`.

        Raises: ConfigurationError for another.
        """
        types = _TYPES.get(dialect)
        if types is None:
            raise ConfigurationError(f"tuples cannot be kept in `{dialect}`: it must be one of {', '.join(_TYPES)}")
        return tuple(self.named(text).strip().format(**types) for text in _DEFINITIONS)

    def _named(self, text: str) -> str:
        return _NAMES.sub(lambda found: self.prefix + found[0], text)
