"""What a store gives to who follows it: all tuples of some types, page by page, and then every change to them.

Pages of tuples are read at different states. That does no harm: the changes that follow begin before the first page,
and whoever applies them in order, by key, ends with what stands now.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from keystead.authz.served.catalogue import store_of
from keystead.authz.shared.page import FactsPage, line_of
from keystead.storage.ports import (
    MAX_PAGE,
    LoadRelationships,
    Read,
    RelationshipChange,
    TupleKey,
    TupleRow,
    load_relationships,
    look_at_feed,
    relationship_changes,
)

TUPLES: int = 5_000
"""The most tuples on one page."""


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """How far a follower is: which changes it has, and, while it loads, the last tuple it was given."""

    revision: int = 0
    loading: str = ""
    after: TupleKey = ("", "", "")


def facts_after(
    realm: str, store: str, types: Collection[str], cursor: Cursor | None
) -> Read[tuple[FactsPage, Cursor]]:
    """Return what follows a cursor, and the next; without one, everything from the start. Raises: UnknownStore."""
    yield from store_of(realm, store)
    feed = yield from look_at_feed(realm, store)
    order = sorted(types)
    lost = cursor is None or cursor.revision > feed.revision or (cursor.revision < feed.trimmed and not cursor.loading)
    if cursor is None or lost:
        page, after = yield from _load(realm, store, order, Cursor(feed.revision, order[0] if order else ""))
        return msgspec.structs.replace(page, reset=True), after
    if cursor.loading:
        return (yield from _load(realm, store, order, cursor))
    return (yield from _follow(realm, store, order, cursor, feed.revision))


def _load(realm: str, store: str, order: list[str], cursor: Cursor) -> Read[tuple[FactsPage, Cursor]]:
    if cursor.loading not in order:
        return FactsPage(cursor="", more=True), Cursor(cursor.revision)
    wanted = LoadRelationships(realm, store, cursor.loading, cursor.after, TUPLES)
    rows = yield from load_relationships(wanted)
    if len(rows) == TUPLES:
        following = Cursor(cursor.revision, cursor.loading, (rows[-1][0], rows[-1][1], rows[-1][2]))
    else:
        rest = order[order.index(cursor.loading) + 1 :]
        following = Cursor(cursor.revision, rest[0] if rest else "")
    return FactsPage(cursor="", more=True, tuples=[_plain(row) for row in rows]), following


def _follow(realm: str, store: str, order: list[str], cursor: Cursor, newest: int) -> Read[tuple[FactsPage, Cursor]]:
    found: list[RelationshipChange] = []
    until = newest
    for type in order if newest > cursor.revision else ():
        page = yield from relationship_changes(realm, store, cursor.revision, type=type)
        found += page
        if len(page) == MAX_PAGE:
            until = min(until, page[-1].revision)
    lines = [line_of(change) for change in sorted(found, key=_revision) if change.revision <= until]
    return FactsPage(cursor="", revision=until, more=until < newest, changes=lines), Cursor(until)


def _revision(change: RelationshipChange) -> int:
    return change.revision


def _plain(row: TupleRow) -> TupleRow:
    """Return a row as a plain tuple, whatever the database's driver made it."""
    object, relation, user, condition, context, expires_at = row
    return object, relation, user, condition, context, expires_at
