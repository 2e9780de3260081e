"""Filters and views as a service uses them: sessions, aliases, hostile names, transactions, event loops."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import CompileError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, aliased

from keystead.authz import InvalidQuery, InvalidRelationship, open_sync
from keystead.authz.rows import MappingError, TooMuch
from keystead.authz.rows.sqlalchemy import filter_for, over, over_async
from keystead.authz.within import table_definitions
from tests.harness.postgres import schema_for
from tests.unit.authz.rows.databases import DATABASES, engine_of
from tests.unit.authz.rows.shop import MODEL, Base, Member, Order, Shop, Team, mapping

AUTHZ = mapping()
NAMED = ["quote", "or", "double", "percent", "underscore", "backslash", "colon", "question", "dollar", "nul"]


@pytest.fixture(params=DATABASES)
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    """A session over the shop's tables, filled."""
    engine = engine_of(request.param, tmp_path)
    with Session(engine) as session:
        make_tables(session, request.param)
        session.add_all(shop_rows())
        session.flush()
        yield session
    engine.dispose()


def make_tables(session: Session, dialect: str) -> None:
    """Make the shop's tables and those of the engine."""
    Base.metadata.create_all(session.connection())
    for statement in table_definitions(dialect):
        session.execute(sa.text(statement))


def shop_rows() -> list[Base]:
    """Return what is in the shop."""
    rows: list[Base] = [
        Team(id=1),
        Team(id=2, within=1),
        Member(team_id=2, login="ann"),
        Member(team_id=1, login="Bob"),
    ]
    rows += [Shop(id="main", team_id=1), Shop(id="a b", team_id=1), Shop(id="strict", team_id=1, banned="ann")]
    rows += [Order(id=1, owner="ann"), Order(id=2, shop_id="main"), Order(id=3, shop_id="strict", public=True)]
    return [*rows, Order(id=4, shop_id="a b"), Order(id=5, owner="*"), Order(id=6, public=True), Order(id=7)]


def seen_by(session: Session, user: str, tuples: Sequence[str] = ()) -> list[int]:
    """Return the orders a user may view, by the filter, once the view has been asked the same."""
    found = sorted(session.scalars(sa.select(Order.id).where(filter_for(AUTHZ, user, "viewer", Order, tuples=tuples))))
    questions = [(user, "viewer", f"order:{id}") for id in session.scalars(sa.select(Order.id))]
    decisions = over(AUTHZ, session).check_many(questions, tuples=tuples)
    assert found == sorted(int(question[2][6:]) for question, yes in zip(questions, decisions, strict=True) if yes)
    assert over(AUTHZ, session).list_objects("order", "viewer", user, tuples=tuples) == [f"order:{id}" for id in found]
    return found


def test_everybody_sees_what_is_theirs(session: Session) -> None:
    assert seen_by(session, "user:ann") == [1, 2, 6]
    assert seen_by(session, "user:nobody") == [3, 6]
    assert seen_by(session, "user:Bob") == [2, 3, 6]


def test_names_are_compared_as_they_are_whatever_the_collation(session: Session) -> None:
    assert seen_by(session, "user:bob") == [3, 6]
    assert seen_by(session, "user:ANN") == [3, 6]


@pytest.mark.attack("Z1")
@pytest.mark.parametrize("name", ["'", "x'OR'1'='1", '"', "%", "_", "\\", ":id", "?", "$1", "ann\u0000"], ids=NAMED)
def test_a_name_is_only_ever_a_value(session: Session, name: str) -> None:
    try:
        assert seen_by(session, f"user:{name}") == [3, 6]
    except InvalidQuery:
        assert name in (":id", "ann\x00")


@pytest.mark.attack("Z1")
def test_what_no_name_can_be_made_of_is_nobodys(session: Session) -> None:
    session.add(Order(id=8, owner="user:*"))
    session.add(Order(id=9, owner="x#member"))
    session.flush()
    for user in ("user:zoe", "user:x", "team:1#member"):
        assert not {5, 8, 9} & set(seen_by(session, user))
    assert not over(AUTHZ, session).check("user:*", "viewer", "order:5")


def test_tuples_that_come_along_count_once(session: Session) -> None:
    assert seen_by(session, "user:zoe", tuples=["team:2#member@user:zoe"]) == [2, 3, 6]
    assert seen_by(session, "user:zoe", tuples=["order:7#shop@shop:main", "shop:main#clerk@team:9#member"]) == [3, 6]
    assert seen_by(session, "user:zoe", tuples=["order:7#guest@user:zoe", "order:007#guest@user:zoe"]) == [3, 6, 7]
    assert seen_by(session, "user:zoe") == [3, 6]
    with pytest.raises(InvalidRelationship):
        filter_for(AUTHZ, "user:zoe", "viewer", Order, tuples=["order:7#viewer@user:zoe"])
    with pytest.raises(TooMuch, match="store them"):
        filter_for(AUTHZ, "user:a", "viewer", Order, tuples=[f"order:{n}#guest@user:a" for n in range(1_001)])


def test_tuples_written_in_the_same_transaction_count(session: Session, tmp_path: Path) -> None:
    elsewhere = sqlite3.connect(tmp_path / "elsewhere.db")  # the engine wants a database of its own to live in
    for statement in table_definitions("sqlite"):
        elsewhere.execute(statement)
    elsewhere.close()
    with open_sync(f"sqlite:///{tmp_path}/elsewhere.db", model=MODEL, tables="keystead_") as engine:
        engine.within(session).write(["order:7#guest@team:1#member", "order:1#guest@user:zoe"])
    assert seen_by(session, "user:ann") == [1, 2, 6, 7]
    assert seen_by(session, "user:zoe") == [1, 3, 6]


def test_the_view_sees_what_is_not_committed_and_says_why(session: Session) -> None:
    session.add(Order(id=20, shop_id="main"))
    decision = over(AUTHZ, session).check("user:ann", "viewer", "order:20")
    assert [str(each) for each in decision.path if each.tuple and each.how == "userset"]  # type: ignore[union-attr]  # it is a yes
    assert "team:2#member" in str(decision)
    denied = over(AUTHZ, session).explain("user:ann", "viewer", "order:3")
    assert denied.reason == "authz.excluded"  # type: ignore[union-attr]  # it is a no
    assert over(AUTHZ, session).list_users("order:20", "viewer", "user") == ["user:Bob", "user:ann"]


def test_a_view_loads_in_steps_not_row_by_row(session: Session) -> None:
    session.add_all([Order(id=100 + number, shop_id="main") for number in range(300)])
    session.flush()
    sent: list[str] = []
    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", lambda *about: sent.append(about[2]))
    assert len(over(AUTHZ, session).list_objects("order", "viewer", "user:ann")) == 303
    assert len(sent) < 40


def test_a_view_refuses_to_load_without_bounds(session: Session) -> None:
    with pytest.raises(TooMuch, match="filter"):
        over(AUTHZ, session, most=3).list_objects("order", "viewer", "user:ann")


def test_a_filter_is_a_condition_like_any_other(session: Session) -> None:
    condition = filter_for(AUTHZ, "user:ann", "viewer", Order)
    page = sa.select(Order).where(condition, Order.id > 1).order_by(Order.id.desc()).limit(1)
    assert [order.id for order in session.scalars(page)] == [6]
    assert sorted(session.scalars(sa.select(Order.id).where(~condition))) == [3, 4, 5, 7]
    assert session.scalar(sa.select(sa.func.count()).select_from(Order).where(condition)) == 3
    other = aliased(Order)
    joined = sa.select(Shop.id).join(other, other.shop_id == Shop.id)
    assert list(session.scalars(joined.where(filter_for(AUTHZ, "user:ann", "viewer", other)))) == ["main"]
    table = Order.__table__.alias("o")
    assert len(session.execute(sa.select(table).where(filter_for(AUTHZ, "user:ann", "viewer", table))).all()) == 3
    both = (
        sa.select(Order.id, other.id)
        .join(other, sa.true())
        .where(condition, filter_for(AUTHZ, "user:nobody", "viewer", other))
    )
    assert len(session.execute(both).all()) == 6
    session.execute(sa.delete(Order).where(condition))
    assert sorted(session.scalars(sa.select(Order.id))) == [3, 4, 5, 7]


def test_statements_are_cached_and_their_values_are_not(session: Session) -> None:
    def keys(user: str) -> object:
        return sa.select(Order.id).where(filter_for(AUTHZ, user, "viewer", Order))._generate_cache_key().key  # type: ignore[union-attr]  # it has one

    assert keys("user:ann") == keys("user:zoe")
    assert keys("user:ann") != keys("team:1#member")
    for user, seen in (("user:ann", [1, 2, 6]), ("user:nobody", [3, 6]), ("user:ann", [1, 2, 6])):
        assert seen_by(session, user) == seen


def test_what_makes_no_sense_is_refused(session: Session) -> None:
    with pytest.raises(InvalidQuery, match="no relation `reader`"):
        filter_for(AUTHZ, "user:ann", "reader", Order)
    with pytest.raises(InvalidQuery, match="no type `person`"):
        filter_for(AUTHZ, "person:ann", "viewer", Order)
    with pytest.raises(InvalidQuery):
        over(AUTHZ, session).check("user:ann", "reader", "order:1")
    with pytest.raises(MappingError, match="members: no `Rows"):
        filter_for(AUTHZ, "user:ann", "viewer", Member)


def test_other_databases_are_refused() -> None:
    from sqlalchemy.dialects import mysql

    with pytest.raises(CompileError, match="SQLite and PostgreSQL"):
        sa.select(Order).where(filter_for(AUTHZ, "user:ann", "viewer", Order)).compile(dialect=mysql.dialect())


async def test_an_event_loop(tmp_path: Path) -> None:
    address, _, schema = schema_for(str(tmp_path)).partition("?search_path=")
    url = address.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, connect_args={"server_settings": {"search_path": schema, "jit": "off"}})
    async with AsyncSession(engine) as session:
        await session.run_sync(lambda plain: make_tables(plain, "postgresql"))
        session.add_all(shop_rows())
        view = over_async(AUTHZ, session)
        assert await view.check("user:ann", "viewer", "order:2")
        assert not await view.explain("user:ann", "viewer", "order:3")
        assert await view.list_objects("order", "viewer", "user:ann") == ["order:1", "order:2", "order:6"]
        assert await view.list_users("order:2", "viewer", "user") == ["user:Bob", "user:ann"]
        assert [bool(each) for each in await view.check_many([("user:zoe", "viewer", "order:6")])] == [True]
        found = await session.scalars(sa.select(Order.id).where(filter_for(AUTHZ, "user:ann", "viewer", Order)))
        assert sorted(found) == [1, 2, 6]
    await engine.dispose()
