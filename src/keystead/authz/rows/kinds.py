"""The kinds of ids a table may have, and how each is written in an object's name: `order:17`, `doc:3f0c...`.

One id has one spelling: `order:17` names row 17, `order:017` names nothing. What a column holds but no name can
(an id with a space, a `#` or a `:`, a lone `*`) is nobody's id: it is left out everywhere, never guessed at.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import Final
from uuid import UUID

from keystead.authz.names import MAX_OBJECT, WILDCARD

Value = int | str | UUID
"""What is bound for an id."""

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RANGE: Final = range(-(2**63), 2**63)

UNNAMEABLE: Final = "".join(
    character
    for character in map(chr, range(1, 0x3001))
    if character in ":#" or character.isspace() or unicodedata.category(character) == "Cc"
)
"""Characters no id may have, NUL apart, which neither SQLite nor PostgreSQL keeps in a text that is compared."""

_UNNAMEABLE: Final = frozenset((*UNNAMEABLE, "\x00"))


class Kind(Enum):
    """What a column of ids holds."""

    INTEGER = "integer"
    TEXT = "text"
    UUID = "uuid"

    def parse(self, id: str) -> Value | None:
        """Turn an id of a name into what a column of this kind would hold. None: such a column never holds it."""
        if self is Kind.TEXT:
            return id
        if self is Kind.UUID:
            return UUID(id) if _UUID.fullmatch(id) else None
        return int(id) if _INTEGER.fullmatch(id) and int(id) in _RANGE else None

    def write(self, value: object, type: str) -> str | None:
        """Write what a column holds as the id of a name. None: no object can be called so."""
        if value is None:
            return None
        if self is Kind.INTEGER:
            return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
        if self is Kind.UUID:
            return _uuid(value)
        return value if isinstance(value, str) and nameable(value, type) else None


def nameable(id: str, type: str) -> bool:
    """Tell whether an object of a type may have this id."""
    return id not in ("", WILDCARD) and len(id) <= longest(type) and _UNNAMEABLE.isdisjoint(id)


def longest(type: str) -> int:
    """Return how long the id of an object of a type may be."""
    return MAX_OBJECT - len(type) - 1


def _uuid(value: object) -> str | None:
    """Write a UUID however a driver hands it out: as one, with dashes, or as 32 digits."""
    if isinstance(value, UUID):
        return str(value)
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None
