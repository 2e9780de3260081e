"""Orders in SQLAlchemy, and no tuples anywhere: the rows themselves say who may view what.

    ISSUER=http://localhost:8080/realms/acme AUDIENCE=https://orders.acme.example \
        uvicorn examples.orders_over_rows.service:app --port 8102
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from keystead.authz.rows import Rows, by_column, by_link, map_rows
from keystead.authz.rows.sqlalchemy import filter_for, over
from keystead.sdk import VerifiedCaller
from keystead.sdk.fastapi import Protect

PAGE = 20


class Base(DeclarativeBase):
    """The service's tables."""


class Team(Base):
    """A team, perhaps part of another."""

    __tablename__ = "teams"
    id: Mapped[int] = mapped_column(primary_key=True)
    part_of: Mapped[int | None] = mapped_column(sa.ForeignKey("teams.id"), index=True)


class Member(Base):
    """Who is in a team."""

    __tablename__ = "members"
    team_id: Mapped[int] = mapped_column(sa.ForeignKey("teams.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True, index=True)


class Shop(Base):
    """A shop and the team that runs it."""

    __tablename__ = "shops"
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("teams.id"), index=True)


class Ban(Base):
    """Who may not see a shop's orders, not even their own."""

    __tablename__ = "bans"
    shop_id: Mapped[int] = mapped_column(sa.ForeignKey("shops.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True, index=True)


class Order(Base):
    """An order."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(sa.ForeignKey("shops.id"), index=True)
    owner_id: Mapped[str] = mapped_column(index=True)
    text: Mapped[str]


authz = map_rows(
    (Path(__file__).parent / "orders.fga").read_text("utf-8"),
    [
        Rows(
            "team",
            Team,
            Team.id,
            {
                "member": [
                    by_link(Member, object=Member.team_id, user=Member.user_id, subject="user"),
                    by_link(Team, object=Team.part_of, user=Team.id, subject="team#member"),
                ]
            },
        ),
        Rows(
            "shop",
            Shop,
            Shop.id,
            {
                "clerk": by_column(Shop.team_id, "team#member"),
                "banned": by_link(Ban, object=Ban.shop_id, user=Ban.user_id, subject="user"),
            },
        ),
        Rows(
            "order",
            Order,
            Order.id,
            {"shop": by_column(Order.shop_id, "shop"), "owner": by_column(Order.owner_id, "user")},
        ),
    ],
)

database = sa.create_engine(os.environ.get("DATABASE", "sqlite:///orders.db"))
protect = Protect(issuer=os.environ["ISSUER"], audience=os.environ["AUDIENCE"])
caller_who_reads = protect("orders:read")
Caller = Annotated[VerifiedCaller, Depends(caller_who_reads)]


def open_session() -> Iterator[Session]:
    """Open a session for one request."""
    with Session(database) as session:
        yield session


Rowset = Annotated[Session, Depends(open_session)]
app = FastAPI()


@app.get("/orders")
def orders(caller: Caller, session: Rowset, before: int = 2**31) -> list[dict[str, object]]:
    """List the newest orders that the caller may view: one query, a page at a time."""
    may_view = filter_for(authz, f"user:{caller.subject}", "viewer", Order)
    page = sa.select(Order).where(may_view, Order.id < before).order_by(Order.id.desc()).limit(PAGE)
    return [{"id": order.id, "text": order.text} for order in session.scalars(page)]


@app.get("/orders/{id}")
def order(id: int, caller: Caller, session: Rowset) -> dict[str, object]:
    """Return one order and why the caller may view it."""
    decision = over(authz, session).check(f"user:{caller.subject}", "viewer", f"order:{id}")
    found = session.get(Order, id) if decision else None
    if found is None:
        raise HTTPException(404, "no such order, or none that you may see")
    return {"id": found.id, "text": found.text, "because": str(decision).splitlines()[1:]}
