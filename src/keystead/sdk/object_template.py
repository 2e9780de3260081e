"""Names of objects and users made of parts that come from outside: path parameters, claims.

A part fills the id and nothing but the id: whatever it contains, it names no other type, no relation and not everybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from keystead.authz.errors import InvalidRelationship
from keystead.authz.names import object_name
from keystead.core.errors import ConfigurationError

_TEMPLATE: Final = re.compile(r"([^{}:#@*\s]{1,254}):([^#@*\s]+)")
_PARTS: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class ObjectTemplate:
    """A name with places to fill: `order:{order_id}`, `file:{tenant}/{path}`.

    Where there are several places, a part may not contain what stands between them, so that no two ways to fill the
    template give one name. Raises: ConfigurationError.
    """

    def __init__(self, text: str) -> None:
        match = _TEMPLATE.fullmatch(text)
        if match is None:
            raise ConfigurationError(f"{text!r} is not a name like order:{{order_id}}: a type, a colon, an id")
        self.text = text
        self.type = match[1]
        pieces = _PARTS.split(match[2])
        self._literals, self.places = tuple(pieces[::2]), tuple(pieces[1::2])
        between = self._literals[1:-1]
        if any("{" in each or "}" in each for each in self._literals):
            raise ConfigurationError(f"{text!r}: write a place to fill as {{name}}")
        if not all(between):
            raise ConfigurationError(f"{text!r}: something must stand between two places, to tell their parts apart")
        self._separators = frozenset("".join(between))
        object_name(self.type, "".join(self._literals) or "-")

    def fill(self, parts: Mapping[str, object]) -> str:
        """Return the name. Raises: InvalidRelationship for a part that cannot be one of an id, KeyError for none."""
        id = self._literals[0]
        for place, literal in zip(self.places, self._literals[1:], strict=True):
            id += self._part(parts[place]) + literal
        return object_name(self.type, id)

    def _part(self, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | UUID):
            raise InvalidRelationship(f"a {type(value).__name__} cannot be a part of an id")
        part = str(value)
        if not part or not self._separators.isdisjoint(part):
            raise InvalidRelationship(f"{part[:80]!r} cannot be a part of {self.text}")
        return part
