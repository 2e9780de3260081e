"""Turns "which objects of a type has the user this relation to?" into SQL over the rows of the mapping.

Everything is a set of ids, built from the user outwards: the rows that name the user, the rows that name a set the
user is in, and so on; unions, intersections and exclusions of those; what depends on itself becomes a recursion
(`keystead.authz.rows.recursion`). For the caller's own row the same is said as a condition on its columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keystead.authz.model import Computed, Direct, Exclusion, FromParent, Intersection, Rewrite, Union
from keystead.authz.rows.problems import TooMuch
from keystead.authz.rows.scope import Scope
from keystead.authz.rows.sql import Bound, Sql, joined, sql, typed, where
from keystead.authz.rows.tuple_rows import Slot, TupleRows

MAX_PIECES: Final = 20_000
"""How large a query may become before it is refused."""

REMEDY: Final = (
    "ask `list_objects` of the view over the rows for the ids and filter by them, or write the relation so that only "
    "one part of it refers to itself"
)


class Compiler:
    """Builds one query: definitions, each named and written once, and what is asked of them."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.mapping = scope.mapping
        self._aliases = 0
        self._definitions: list[Sql] = []
        self._ids: dict[Slot, Sql | None] = {}

    def alias(self, letter: str) -> str:
        """Return a name nothing else in the query has."""
        self._aliases += 1
        return f"{letter}{self._aliases}"

    def whole(self, query: Sql) -> Sql:
        """Put the definitions in front of a query that uses them."""
        head = sql("WITH RECURSIVE ", joined(", ", self._definitions), " ") if self._definitions else ()
        found = sql(head, query)
        if len(found) > MAX_PIECES:
            raise TooMuch(f"the query for this relation is too large; {REMEDY}")
        return found

    def define(self, head: str, query: Sql) -> None:
        """Name a query for the rest of the whole."""
        self._definitions.append(sql(head, " AS (", query, ")"))

    def ids(self, slot: Slot) -> Sql | None:
        """Write the query of the ids of all objects to which the user has a relation. None: there can be none."""
        if slot not in self.scope.possible:
            return None
        if slot not in self._ids:
            circle = self.scope.component(slot)
            if circle:
                from keystead.authz.rows.recursion import recursive_ids

                self._ids |= recursive_ids(self, circle)
            else:
                self._ids[slot] = self._named_query(slot)
        return self._ids[slot]

    def _named_query(self, slot: Slot) -> Sql | None:
        found = self.of_rewrite(self.scope.rewrite(slot), slot)
        queries = [each for each in (found, self.itself(slot)) if each is not None]
        if not queries:
            return None
        name = self.alias("keystead_set")  # never the name of a table of the service, which it would hide
        self.define(name, joined(" UNION ALL ", queries))
        return sql("SELECT ", f"{name}.id", " FROM ", name)

    def itself(self, slot: Slot) -> Sql | None:
        """Write the id of the userset that asks, if it is one of this relation."""
        kind = self.mapping.kind(slot[0])
        value = kind.parse(self.scope.subject.id) if self.scope.itself(slot) else None
        return None if value is None else sql("SELECT ", typed(Bound(value, kind), kind), " AS id")

    def of_rewrite(self, rewrite: Rewrite, slot: Slot) -> Sql | None:
        """Write the query for a part of a definition. None: nothing can hold."""
        if not self.scope.can_hold(rewrite, slot):
            return None
        if isinstance(rewrite, Intersection):
            first, *others = rewrite.children
            return self.restricted(first, slot, [self.is_in(other, slot, yes=True) for other in others])
        if isinstance(rewrite, Exclusion):
            return self.restricted(rewrite.base, slot, [self.is_in(rewrite.subtract, slot, yes=False)])
        queries = list(self._union(rewrite, slot))
        return joined(" UNION ALL ", queries) if queries else None

    def restricted(self, rewrite: Rewrite, slot: Slot, conditions: list[Sql]) -> Sql | None:
        """Write the query for a part, its ids (called `x.id`) held to further conditions."""
        query = self.of_rewrite(rewrite, slot)
        if query is None:
            return None
        return sql("SELECT x.id AS id FROM (", query, ") x", where(each for each in conditions if each))

    def is_in(self, rewrite: Rewrite, slot: Slot, *, yes: bool, id: Sql = ("x.id",)) -> Sql:
        """Write the condition that an id is, or is not, in the set of a part."""
        query = self.of_rewrite(rewrite, slot)
        if query is None:
            return ("(1 = 0)",) if yes else ("(1 = 1)",)
        return sql(id, " IN (" if yes else " NOT IN (", query, ")")

    def _union(self, rewrite: Rewrite, slot: Slot) -> Iterator[Sql]:
        for part in self._flat(rewrite, slot):
            match part:
                case Direct():
                    yield from self._named(slot)
                case FromParent(relation, tupleset):
                    for rows, target in self.scope.parents((slot[0], tupleset), relation):
                        yield self.leading_to(rows, target)
                case Computed(relation):
                    query = self.ids((slot[0], relation))
                    if query is not None:
                        yield query
                case _:
                    query = self.of_rewrite(part, slot)
                    if query is not None:
                        yield query

    def _flat(self, rewrite: Rewrite, slot: Slot) -> Iterator[Rewrite]:
        """Return the parts of nested unions, each once."""
        seen: set[tuple[str, ...]] = set()
        walk = [rewrite]
        while walk:
            part = walk.pop()
            if isinstance(part, Union):
                walk.extend(reversed(part.children))
                continue
            name = _name(part)
            if name and name in seen:
                continue
            seen.add(name)
            if self.scope.can_hold(part, slot):
                yield part

    def _named(self, slot: Slot) -> Iterator[Sql]:
        for rows in self.scope.rows_of(slot):
            if self.scope.names_user(rows):
                yield self.naming_user(rows)
        for rows, target in self.scope.usersets(slot):
            yield self.leading_to(rows, target)

    def naming_user(self, rows: TupleRows) -> Sql:
        """Write the query of the objects whose tuples name the user, or everybody."""
        alias = self.alias("k")
        named = None if rows.wildcard else rows.user.equals_value(alias, self.scope.subject.id)
        return self.objects(rows, alias, [*rows.place.demands(alias), *([named] if named else [])])

    def leading_to(self, rows: TupleRows, target: Slot) -> Sql:
        """Write the query of the objects whose tuples name an object of a set."""
        ids = self.ids(target)
        alias = self.alias("k")
        within = rows.user.within(alias, ids, self.mapping.kind(target[0])) if ids else ("(1 = 0)",)
        return self.objects(rows, alias, [*rows.place.demands(alias), within])

    def objects(self, rows: TupleRows, alias: str, conditions: list[Sql]) -> Sql:
        """Write a query of the objects of some rows."""
        kind = self.mapping.kind(rows.object.type)
        valid = rows.object.is_id(alias, kind)
        chosen = sql("SELECT ", typed(rows.object.as_kind(alias, kind), kind), " AS id FROM ", rows.place.source(alias))
        return sql(chosen, where([*conditions, *valid]))


def _name(part: Rewrite) -> tuple[str, ...]:
    """Name a leaf, so that it is not written twice."""
    match part:
        case Direct():
            return ("direct",)
        case Computed(relation):
            return (relation,)
        case FromParent(relation, tupleset):
            return (relation, tupleset)
        case _:
            return ()
