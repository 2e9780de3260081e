"""Relations that depend on themselves, as a recursive query: groups in groups, folders in folders.

Such relations are computed together, as one growing set of (relation, id). A step takes one member of the set and
adds what its rows lead to; SQL allows exactly that. What needs two members at once (`a and b` where both recur) or
the absence of one (`but not` of what recurs) is refused, by name, with what to do instead.
"""

from __future__ import annotations

import msgspec

from keystead.authz.model import Computed, Direct, Exclusion, FromParent, Intersection, Rewrite
from keystead.authz.rows.compiler import REMEDY, Compiler
from keystead.authz.rows.keys import converted
from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.problems import NotExpressible
from keystead.authz.rows.sql import Sql, differs, joined, sql, typed, where
from keystead.authz.rows.tuple_rows import Slot, TupleRows


class Demand(msgspec.Struct, frozen=True):
    """What else must hold for an id: that it is, or is not, in the set of a part that does not recur."""

    part: Rewrite
    slot: Slot
    yes: bool


Demands = tuple[Demand, ...]


class Start(msgspec.Struct, frozen=True):
    """Ids that are in the set of `slot` without recursion."""

    slot: Slot
    query: Sql
    demands: Demands = ()


class Step(msgspec.Struct, frozen=True):
    """What a member of `before` leads to: the objects of rows that name it, or (None) the same object."""

    before: Slot
    slot: Slot
    rows: TupleRows | None
    demands: Demands


def recursive_ids(compiler: Compiler, circle: frozenset[Slot]) -> dict[Slot, Sql | None]:
    """Define the ids of relations that depend on each other, and write the query for each. Raises: NotExpressible."""
    return _Recursion(compiler, circle).queries()


class _Recursion:
    """The relations of one circle."""

    def __init__(self, compiler: Compiler, circle: frozenset[Slot]) -> None:
        self.compiler = compiler
        self.scope = compiler.scope
        self.circle = sorted(circle)
        self.name = compiler.alias("keystead_circle")
        kinds = {compiler.mapping.kind(type) for type, _ in circle}
        self.kind = kinds.pop() if len(kinds) == 1 else Kind.TEXT
        self.starts: list[Start] = []
        self.steps: list[Step] = []
        for each in self.circle:
            self._take_apart(self.scope.rewrite(each), each, ())
            itself = compiler.itself(each)
            if itself is not None:
                self.starts.append(Start(each, itself))

    def queries(self) -> dict[Slot, Sql | None]:
        """Define the growing set; write how each relation is read from it."""
        if not self.starts:
            return dict.fromkeys(self.circle)
        starts = joined(" UNION ", map(self._start, self.starts))
        self.compiler.define(f"{self.name} (slot, id)", sql(starts, self._growth()))
        return {slot: self._read(slot) for slot in self.circle}

    def _read(self, slot: Slot) -> Sql:
        ids = converted(("r.id",), self.kind, self._kind(slot))
        return sql("SELECT ", ids, f" AS id FROM {self.name} r WHERE r.slot = {self.circle.index(slot)}")

    def _take_apart(self, rewrite: Rewrite, slot: Slot, demands: Demands) -> None:
        """Sort a definition into what starts the set and what lets it grow."""
        if not self.scope.can_hold(rewrite, slot):
            return
        if not self._recurs(rewrite, slot):
            query = self.compiler.of_rewrite(rewrite, slot)
            if query is not None:
                self.starts.append(Start(slot, query, demands))
            return
        match rewrite:
            case Direct():
                self._take_named(slot, demands)
            case Computed(relation):
                self.steps.append(Step((slot[0], relation), slot, None, demands))
            case FromParent(relation, tupleset):
                for rows, target in self.scope.parents((slot[0], tupleset), relation):
                    self._take_rows(rows, target, slot, demands)
            case Intersection(parts):
                self._take_all(parts, slot, demands)
            case Exclusion(base, subtract):
                if self._recurs(subtract, slot):
                    raise NotExpressible(f"{_named(slot)}: it takes away (`but not`) what depends on itself: {REMEDY}")
                self._take_apart(base, slot, (*demands, Demand(subtract, slot, yes=False)))
            case _:
                for part in rewrite.children:
                    self._take_apart(part, slot, demands)

    def _take_all(self, parts: tuple[Rewrite, ...], slot: Slot, demands: Demands) -> None:
        recurring = [part for part in parts if self._recurs(part, slot)]
        if len(recurring) > 1:
            raise NotExpressible(f"{_named(slot)}: two parts of an `and` depend on the relation itself: {REMEDY}")
        others = tuple(Demand(part, slot, yes=True) for part in parts if part is not recurring[0])
        self._take_apart(recurring[0], slot, (*demands, *others))

    def _take_named(self, slot: Slot, demands: Demands) -> None:
        for rows in self.scope.rows_of(slot):
            if self.scope.names_user(rows):
                self.starts.append(Start(slot, self.compiler.naming_user(rows), demands))
        for rows, target in self.scope.usersets(slot):
            self._take_rows(rows, target, slot, demands)

    def _take_rows(self, rows: TupleRows, target: Slot, slot: Slot, demands: Demands) -> None:
        if target in self.circle:
            self.steps.append(Step(target, slot, rows, demands))
        else:
            self.starts.append(Start(slot, self.compiler.leading_to(rows, target), demands))

    def _recurs(self, rewrite: Rewrite, slot: Slot) -> bool:
        return not self.scope.needs(rewrite, slot).isdisjoint(self.circle)

    def _start(self, start: Start) -> Sql:
        ids = self._id(("x.id",), start.slot)
        held = where(self._held(start.demands, ("x.id",)))
        return sql(f"SELECT {self.circle.index(start.slot)}, ", ids, " FROM (", start.query, ") x", held)

    def _growth(self) -> Sql:
        if not self.steps:
            return ()
        sqlite = joined("", (sql(" UNION ", self._step(step, f"{self.name} r")) for step in self.steps))
        # PostgreSQL lets a recursion mention itself once only: the steps become alternatives beside that mention.
        alternatives = joined(" UNION ALL ", (self._step(step) for step in self.steps))
        head = sql(" UNION SELECT e.slot, e.id FROM ", self.name, " r CROSS JOIN LATERAL (")
        return differs(sqlite, sql(head, alternatives, ") e (slot, id)"))

    def _step(self, step: Step, members: str = "") -> Sql:
        """Write one step. `members`: what to put into its FROM for the members, named `r`, when they are not around."""
        conditions: list[Sql] = [(f"r.slot = {self.circle.index(step.before)}",)]
        sources: list[Sql] = [(members,)] if members else []
        if step.rows is None:
            id = converted(("r.id",), self.kind, self._kind(step.slot))
        else:
            alias, kind = self.compiler.alias("k"), self._kind(step.slot)
            id = step.rows.object.as_kind(alias, kind)
            sources.append(step.rows.place.source(alias))
            conditions += [step.rows.user.equals(alias, ("r.id",), self.kind), *step.rows.place.demands(alias)]
            conditions += step.rows.object.is_id(alias, kind)
        conditions += self._held(step.demands, id)
        read_from = sql(" FROM ", joined(", ", sources)) if sources else ()
        return sql(f"SELECT {self.circle.index(step.slot)}, ", self._id(id, step.slot), read_from, where(conditions))

    def _held(self, demands: Demands, id: Sql) -> list[Sql]:
        return [self.compiler.is_in(each.part, each.slot, yes=each.yes, id=id) for each in demands]

    def _id(self, expression: Sql, slot: Slot) -> Sql:
        return typed(converted(expression, self._kind(slot), self.kind), self.kind)

    def _kind(self, slot: Slot) -> Kind:
        return self.compiler.mapping.kind(slot[0])


def _named(slot: Slot) -> str:
    return f"{slot[0]}#{slot[1]} cannot be one SQL query"
