"""Tables and columns as the compiler sees them, whichever framework declared them."""

from __future__ import annotations

import msgspec

from keystead.authz.rows.kinds import Kind


class Table(msgspec.Struct, frozen=True):
    """A table of the service, as it is called in the database."""

    name: str
    schema: str = ""

    def __str__(self) -> str:
        """Render for errors."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Column(msgspec.Struct, frozen=True):
    """A column. `kind` is None for what cannot hold an id (a flag, a date); `why_not` says why.

    `collation`: one was declared, so that bytewise comparison must be asked for. `attribute`: what the framework
    calls it, so that an aliased entity can be asked for its own. `native`: its type or field, which knows how a value
    is bound.
    """

    table: Table
    name: str
    attribute: str
    kind: Kind | None
    why_not: str = ""
    boolean: bool = False
    nullable: bool = True
    collation: str = ""
    native: object = None

    def __str__(self) -> str:
        """Render for errors."""
        return f"{self.table}.{self.name}"
