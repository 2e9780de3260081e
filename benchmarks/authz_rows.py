"""Query filters and views over rows: 100,000 documents of `benchmarks.authz_workload` as ordinary tables.

    python -m benchmarks.authz_rows [--url sqlite:///rows.db | postgresql+psycopg://...] [--users 200]

Left out, a SQLite file in a temporary folder. Times are wall-clock time, per user who asks, medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import sqlalchemy as sa

from benchmarks.authz_workload import DOCUMENTS, MODEL, USERS, tuples
from keystead.authz.rows import RowMapping, Rows, by_column, by_link, map_rows
from keystead.authz.rows.sqlalchemy import filter_for, over

METADATA = sa.MetaData()


def ids(name: str, *columns: str, first: str = "id") -> sa.Table:
    """Declare a table of numbers, each of them indexed."""
    key = sa.Column(first, sa.Integer, primary_key=first == "id", index=first != "id")
    return sa.Table(name, METADATA, key, *(sa.Column(each, sa.Integer, index=True) for each in columns))


GROUP, FOLDER, DOCUMENT = ids("groups"), ids("folders", "parent", "owner"), ids("documents", "parent", "owner")
MEMBER, NESTED = ids("members", "user_id", first="group_id"), ids("nested", "inner_id", first="group_id")
FOLDER_GUESTS = ids("folder_guests", "user_id", first="folder_id")
FOLDER_GROUPS = ids("folder_groups", "group_id", first="folder_id")
DOCUMENT_GUESTS = ids("document_guests", "user_id", first="document_id")
DOCUMENT_GROUPS = ids("document_groups", "group_id", first="document_id")


def mapping() -> RowMapping:
    """Say which rows are which relations."""
    members = by_link(MEMBER, object="group_id", user="user_id", subject="user")
    nested = by_link(NESTED, object="group_id", user="inner_id", subject="group#member")
    shared: dict[str, Any] = {"parent": by_column("parent", "folder"), "owner": by_column("owner", "user")}
    folder = [
        by_link(FOLDER_GUESTS, object="folder_id", user="user_id", subject="user"),
        by_link(FOLDER_GROUPS, object="folder_id", user="group_id", subject="group#member"),
    ]
    document = [
        by_link(DOCUMENT_GUESTS, object="document_id", user="user_id", subject="user"),
        by_link(DOCUMENT_GROUPS, object="document_id", user="group_id", subject="group#member"),
    ]
    return map_rows(
        MODEL,
        [
            Rows("group", GROUP, "id", {"member": [members, nested]}),
            Rows("folder", FOLDER, "id", {**shared, "viewer": folder}),
            Rows("document", DOCUMENT, "id", {**shared, "viewer": document}),
        ],
    )


def fill(connection: sa.Connection) -> None:
    """Turn the tuples into rows."""
    rows: dict[sa.Table, list[dict[str, Any]]] = {}
    own: dict[tuple[str, int], dict[str, int]] = {}
    links = {
        ("group", "user"): (MEMBER, "user_id"),
        ("group", "group"): (NESTED, "inner_id"),
        ("folder", "user"): (FOLDER_GUESTS, "user_id"),
        ("folder", "group"): (FOLDER_GROUPS, "group_id"),
        ("document", "user"): (DOCUMENT_GUESTS, "user_id"),
        ("document", "group"): (DOCUMENT_GROUPS, "group_id"),
    }
    for each in tuples():
        type, _, number = each.object.partition(":")
        user_type, _, rest = each.user.partition(":")
        who = int(rest.partition("#")[0])
        row = own.setdefault((type, int(number)), {"id": int(number)})
        if each.relation in ("parent", "owner"):
            row[each.relation] = who
        else:
            table, column = links[type, user_type]
            rows.setdefault(table, []).append({f"{type}_id": int(number), column: who})
    for table, name in ((GROUP, "group"), (FOLDER, "folder"), (DOCUMENT, "document")):
        nothing: dict[str, Any] = dict.fromkeys(table.columns.keys())
        rows[table] = [{**nothing, **row} for (type, _), row in own.items() if type == name]
    METADATA.drop_all(connection)
    METADATA.create_all(connection)
    for table, listed in rows.items():
        connection.execute(table.insert(), listed)


def measure(name: str, users: Iterable[str], ask: Callable[[str], object]) -> None:
    """Time one way of asking, user by user."""
    taken = []
    for user in users:
        started = time.perf_counter()
        ask(user)
        taken.append(time.perf_counter() - started)
    worst = sorted(taken)[int(len(taken) * 0.95)]
    print(f"{name:52} median {statistics.median(taken) * 1e3:8.2f} ms   95 % {worst * 1e3:8.2f} ms")


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="")
    parser.add_argument("--users", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(options.url or f"sqlite:///{folder}/rows.db")
        with engine.begin() as connection:
            fill(connection)
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("ANALYZE"))
            run(connection, options.users)
        engine.dispose()


def run(connection: sa.Connection, count: int) -> None:
    """Time everything."""
    random = Random(2)
    authz = mapping()
    users = [f"user:{random.randrange(USERS)}" for _ in range(count)]

    def visible(user: str, *, few: bool = False) -> sa.ColumnElement[bool]:
        return filter_for(authz, user, "viewer", DOCUMENT, few=few)

    def total(user: str, *, few: bool = False) -> int:
        query = sa.select(sa.func.count()).select_from(DOCUMENT).where(visible(user, few=few))
        return int(connection.scalar(query) or 0)

    page = sa.select(DOCUMENT.c.id).order_by(DOCUMENT.c.id.desc()).limit(20)
    print(f"{DOCUMENTS:,} documents, {connection.dialect.name}")
    print(f"a user may view {statistics.median(map(total, users[:50])):,.0f} of them (median)")
    measure("writing the filter, no query", users, visible)
    measure("count of the visible", users, total)
    measure("count of the visible, few=True", users, lambda user: total(user, few=True))
    measure("the newest 20 visible", users, lambda user: connection.execute(page.where(visible(user))).all())
    view = over(authz, connection)
    measure(
        "view: check of one",
        users,
        lambda user: view.check(user, "viewer", f"document:{random.randrange(DOCUMENTS)}"),
    )
    measure("view: list_objects", users[:20], lambda user: view.list_objects("document", "viewer", user))


if __name__ == "__main__":
    main()
