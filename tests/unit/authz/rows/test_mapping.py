"""A mapping that does not fit the model or the tables is refused when the service starts, with what to do about it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from keystead.authz.rows import (
    MappingError,
    NotExpressible,
    Rows,
    StoredTuples,
    always,
    by_column,
    by_flag,
    by_link,
    stored,
)
from keystead.authz.rows import map_rows as map_rows_of
from keystead.authz.rows.sqlalchemy import filter_for, over

MODEL = """
model
  schema 1.1
type user
type team
  relations
    define member: [user, team#member]
type doc
  relations
    define parent: [doc]
    define owner: [user, team#member]
    define timed: [user with office_hours]
    define public: [user:*]
    define viewer: owner or viewer from parent
    define author: [user]
    define shown_above: [user] or tricky from parent
    define tricky: author but not shown_above
    define both: [user] or (both from parent and team from parent)
    define team: [user] or both
condition office_hours(hour: int) {
  hour < 18
}
"""
METADATA = sa.MetaData()
DOCS = sa.Table(
    "docs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("owner", sa.String),
    sa.Column("parent", sa.Integer),
    sa.Column("day", sa.Date),
    sa.Column("mood", sa.Enum("good", "bad", name="moods")),
    sa.Column("code", sa.CHAR(3)),
    sa.Column("shown", sa.Boolean),
)
LINKS = sa.Table("links", METADATA, sa.Column("doc", sa.Integer), sa.Column("login", sa.String))
OTHERS = sa.Table("others", METADATA, sa.Column("login", sa.String))
LINK: dict[str, Any] = {"object": LINKS.c.doc, "user": LINKS.c.login, "subject": "user"}


@pytest.mark.parametrize(
    ("relations", "complaint"),
    [
        ({"reader": by_column("owner", "user")}, "no such relation: it has parent, owner"),
        ({"viewer": by_column("owner", "user")}, "the model computes this relation; map the relations it is made of"),
        ({"owner": by_column("owner", "doc")}, r"does not allow `doc` here: it allows \[user, team#member\]"),
        ({"owner": by_column("owner", "user:ann")}, "is a user; name a type"),
        ({"owner": by_flag("shown")}, r"does not allow `user:\*` here"),
        ({"owner": always("nobody")}, "is not a user"),
        ({"timed": by_column("owner", "user")}, "only with a condition, and a row has none: allow `user` beside it"),
        ({"owner": by_column("landlord", "user")}, "has no column 'landlord'"),
        ({"owner": by_column("day", "user")}, "docs.day cannot hold ids: ids are kept in Integer, String"),
        ({"owner": by_column("mood", "user")}, "an Enum is stored under names of its own"),
        ({"owner": by_column("code", "user")}, "CHAR is padded"),
        ({"owner": by_column(LINKS.c.login, "user")}, "in another table than docs.id; use by_link"),
        ({"owner": by_link(LINKS, **LINK | {"user": OTHERS.c.login})}, "a link has both columns in one"),
        ({"owner": by_link(LINKS, **LINK, where={DOCS.c.shown: True})}, "is on another table than links.doc"),
        ({"owner": by_link(LINKS, **LINK, where={"login": ()})}, "names no value"),
        ({"owner": [by_column("owner", "user"), "owner"]}, r"doc#owner\[1\]: 'owner' is no source"),
        ({"owner": stored()}, "pass `stored=StoredTuples"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused(relations: dict[str, Any], complaint: str) -> None:
    with pytest.raises(MappingError, match=complaint):
        map_rows_of(MODEL, [Rows("doc", DOCS, DOCS.c.id, relations)])


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(MappingError) as refusal:
        map_rows_of(MODEL, [Rows("dog", DOCS, "id"), Rows("doc", DOCS, "number"), Rows("team", object(), "id")])
    problems = refusal.value.problems
    assert [problem.partition(":")[0] for problem in problems[:3]] == ["dog", "doc", "team"]
    assert "doc#parent: nothing says which rows these tuples are; map it" in str(refusal.value)
    with pytest.raises(MappingError, match="mapped twice"):
        map_rows_of(MODEL, [Rows("doc", DOCS, "id"), Rows("doc", DOCS, "id")], stored=StoredTuples())


def test_what_one_query_cannot_say_is_refused_by_name() -> None:
    mapping = map_rows_of(
        MODEL, [Rows("doc", DOCS, "id", {"parent": by_column("parent", "doc")})], stored=StoredTuples()
    )
    assert filter_for(mapping, "user:ann", "viewer", DOCS) is not None
    with pytest.raises(NotExpressible, match=r"doc#tricky .* takes away"):
        filter_for(mapping, "user:ann", "tricky", DOCS)
    with pytest.raises(NotExpressible, match=r"doc#both .* two parts of an `and`"):
        filter_for(mapping, "user:ann", "both", DOCS)
    with pytest.raises(NotExpressible, match=r"doc#timed: its stored tuples may have conditions"):
        filter_for(mapping, "user:ann", "timed", DOCS)


def test_the_view_decides_what_one_query_cannot_say() -> None:
    relations: dict[str, Any] = {
        "parent": by_column("parent", "doc"),
        "author": by_column("owner", "user"),
        "shown_above": [],
        "owner": [],
        "public": [],
    }
    mapping = map_rows_of(MODEL, [Rows("doc", DOCS, "id", relations)], stored=StoredTuples("tuples"))
    tuples = "CREATE TABLE tuples (realm, store, object, relation, user, condition, context, expires_at)"
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        METADATA.create_all(connection)
        connection.execute(sa.text(tuples))
        timed = "('default', 'default', 'doc:1', 'timed', 'user:ann', 'office_hours', '', 0)"
        connection.execute(sa.text("INSERT INTO tuples VALUES " + timed))
        rows = [{"id": 1, "owner": "ann", "parent": None}, {"id": 2, "owner": "ann", "parent": 1}]
        connection.execute(DOCS.insert(), [*rows, {"id": 3, "owner": "ann", "parent": 2}])
        view = over(mapping, connection)
        assert view.list_objects("doc", "tricky", "user:ann") == ["doc:1", "doc:3"]
        assert view.check("user:ann", "timed", "doc:1", context={"hour": 9})
        assert not view.check("user:ann", "timed", "doc:1", context={"hour": 20})
        assert view.check("user:ann", "timed", "doc:1").reason == "authz.condition_missing"  # type: ignore[union-attr]  # it is conditional
    engine.dispose()


def test_a_row_without_an_id_is_no_object() -> None:
    metadata = sa.MetaData()
    table = sa.Table("notes", metadata, sa.Column("number", sa.Integer), sa.Column("owner", sa.String))
    model = "model\n  schema 1.1\ntype user\ntype note\n  relations\n    define owner: [user]\n"
    mapping = map_rows_of(model, [Rows("note", table, "number", {"owner": by_column("owner", "user")})])
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        connection.execute(table.insert(), [{"number": None, "owner": "ann"}, {"number": 2, "owner": "ann"}])
        for few in (False, True):
            condition = filter_for(mapping, "user:ann", "owner", table, few=few)
            assert list(connection.scalars(sa.select(table.c.number).where(condition))) == [2]
    engine.dispose()


def test_a_table_that_two_types_share_has_no_filter_of_its_own() -> None:
    model = "model\n  schema 1.1\ntype user\ntype a\n  relations\n    define owner: [user]\ntype b\n"
    rows = [Rows("a", DOCS, "id", {"owner": by_column("owner", "user")}), Rows("b", DOCS, "id")]
    with pytest.raises(MappingError, match="objects of several types, a, b"):
        filter_for(map_rows_of(model, rows), "user:ann", "owner", DOCS)


@pytest.mark.attack("Z1")
def test_no_table_of_the_service_is_mistaken_for_a_part_of_the_query() -> None:
    metadata = sa.MetaData()
    names = [f"{letter}{number}" for letter in "srk" for number in range(1, 7)] + ["x", "w", "r", "z", "e"]
    model = "model\n  schema 1.1\ntype user\n" + "".join(
        f"type {name}\n  relations\n    define up: [{name}]\n    define owner: [user]\n"
        f"    define viewer: owner or viewer from up\n    define seen: (viewer and owner) or viewer from up\n"
        for name in names
    )
    columns = ("id", "up")
    tables = {
        name: sa.Table(
            name,
            metadata,
            *(sa.Column(c, sa.Integer) for c in columns),
            sa.Column("owner", sa.String),
        )
        for name in names
    }
    rows = [
        Rows(n, t, "id", {"up": by_column("up", n), "owner": by_column("owner", "user")}) for n, t in tables.items()
    ]
    mapping = map_rows_of(model, rows)
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        for table in tables.values():
            filled: list[dict[str, Any]] = [{"id": 1, "up": None, "owner": "ann"}, {"id": 2, "up": 1, "owner": None}]
            connection.execute(table.insert(), [*filled, {"id": 3, "up": None, "owner": "bob"}])
            for relation in ("viewer", "seen"):
                condition = filter_for(mapping, "user:ann", relation, table)
                assert sorted(connection.scalars(sa.select(table.c.id).where(condition))) == [1, 2]
    engine.dispose()
