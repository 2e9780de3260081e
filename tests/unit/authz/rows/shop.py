"""A shop's tables in SQLAlchemy, mapped to a model."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from keystead.authz.rows import RowMapping, Rows, StoredTuples, by_column, by_flag, by_link, map_rows

MODEL = """
model
  schema 1.1
type user
type team
  relations
    define member: [user, team#member]
type shop
  relations
    define clerk: [team#member]
    define banned: [user]
type order
  relations
    define shop: [shop]
    define owner: [user]
    define public: [user:*]
    define guest: [user, team#member]
    define viewer: (owner or guest or clerk from shop or public) but not banned from shop
"""


class Base(DeclarativeBase):
    """The shop's tables."""


class Team(Base):
    """A team."""

    __tablename__ = "teams"
    id: Mapped[int] = mapped_column(primary_key=True)
    within: Mapped[int | None]


class Member(Base):
    """Who is in a team."""

    __tablename__ = "members"
    team_id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(
        sa.String(collation="NOCASE").with_variant(sa.String(), "postgresql"), primary_key=True
    )


class Shop(Base):
    """A shop."""

    __tablename__ = "shops"
    id: Mapped[str] = mapped_column(primary_key=True)
    team_id: Mapped[int | None]
    banned: Mapped[str | None]


class Order(Base):
    """An order."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str | None]
    shop_id: Mapped[str | None]
    public: Mapped[bool] = mapped_column(default=False)


def mapping() -> RowMapping:
    """Say which rows are what; guests are stored tuples."""
    return map_rows(
        MODEL,
        [
            Rows(
                "team",
                Team,
                Team.id,
                {
                    "member": [
                        by_link(Member, object=Member.team_id, user=Member.login, subject="user"),
                        by_link(Team, object=Team.within, user=Team.id, subject="team#member"),
                    ]
                },
            ),
            Rows(
                "shop",
                Shop,
                Shop.id,
                {"clerk": by_column(Shop.team_id, "team#member"), "banned": by_column(Shop.banned, "user")},
            ),
            Rows(
                "order",
                Order,
                Order.id,
                {
                    "shop": by_column(Order.shop_id, "shop"),
                    "owner": by_column(Order.owner, "user"),
                    "public": by_flag(Order.public),
                },
            ),
        ],
        stored=StoredTuples(),
    )
