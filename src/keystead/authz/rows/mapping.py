"""What a service declares: which of its rows are which relations.

    Rows(
        type="order",
        table=Order,
        id=Order.id,
        relations={
            "owner": by_column(Order.owner_id, "user"),
            "shop": by_column(Order.shop_id, "shop"),
            "viewer": [by_link(Share, object=Share.order_id, user=Share.who, subject="user"), by_flag(Order.public)],
        },
    )

Columns are SQLAlchemy attributes or columns, Django fields, or names of either. Nothing is looked at here; what is
declared is held against the model by `keystead.authz.rows.checking`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

Anything = object
"""A table or column as its framework knows it."""

Where = Mapping[Any, object]
"""Column -> the value a row must have there, or a tuple of values one of which it must have."""

_EVERY_ROW: Where = {}


class ByColumn(msgspec.Struct, frozen=True):
    """A column of the object's own row holds the id of who has the relation."""

    column: object
    subject: str
    where: Where


class ByLink(msgspec.Struct, frozen=True):
    """A row of another table says who has the relation to which object."""

    table: Anything
    object: Anything
    user: Anything
    subject: str
    where: Where


class ByRow(msgspec.Struct, frozen=True):
    """Every row of the object's table that meets the conditions gives the relation to one fixed user."""

    user: str
    where: Where


class Stored(msgspec.Struct, frozen=True):
    """Stored tuples say who has the relation."""


Source = ByColumn | ByLink | ByRow | Stored


class Rows(msgspec.Struct, frozen=True):
    """One type: the table whose rows are its objects, the column with their ids, and its relations."""

    type: str
    table: object
    id: object
    relations: Mapping[str, Source | Sequence[Source]] = {}


class StoredTuples(msgspec.Struct, frozen=True):
    """Where tuples are stored that are in no row of the service: a table of the same database.

    `table` is the table that the engine writes to within the service's transactions (`engine.within`), or
    `relationships` where the engine has the database to itself; `realm` and `store` as they were given to `open`.
    """

    table: str = "keystead_relationships"
    schema: str = ""
    realm: str = "default"
    store: str = "default"


def by_column(column: object, subject: str, *, where: Where = _EVERY_ROW) -> ByColumn:
    """Take the id of who has the relation from a column of the object's own row. NULL: nobody.

    Shape: `by_column(Order.owner_id, "user")`; `subject` is a type restriction of the relation: `user`, `shop`,
    `team#member`. `where={Order.owner_kind: "user"}` counts only rows with that value.
    """
    return ByColumn(column, subject, where)


def by_link(table: Anything, *, object: Anything, user: Anything, subject: str, where: Where = _EVERY_ROW) -> ByLink:
    """Take the relation from the rows of a link table: one column says which object, another who.

    Shape: `by_link(Member, object=Member.team_id, user=Member.user_id, subject="user", where={Member.role: "admin"})`.
    """
    return ByLink(table, object, user, subject, where)


def by_flag(column: object, user: str = "user:*") -> ByRow:
    """Give the relation to `user` (everybody, say) wherever a boolean column is true."""
    return ByRow(user, {column: True})


def always(user: str, *, where: Where = _EVERY_ROW) -> ByRow:
    """Give the relation to one fixed user on every row: `always("platform:main")`, `always("team:staff#member")`."""
    return ByRow(user, where)


def stored() -> Stored:
    """Say that stored tuples count for a relation too. They are the only ones that count for what is not mapped."""
    return Stored()
