"""Says of the caller's own row whether the user has a relation to it: a condition on its columns, true or false."""

from __future__ import annotations

from collections.abc import Iterator

from keystead.authz.model import Computed, Direct, Exclusion, FromParent, Intersection, Rewrite
from keystead.authz.rows import keys
from keystead.authz.rows.compiler import Compiler
from keystead.authz.rows.identities import InColumn
from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.scope import Scope
from keystead.authz.rows.sql import Sql, all_of, any_of, sql
from keystead.authz.rows.tables import Column
from keystead.authz.rows.tuple_rows import Slot, TupleRows

NEVER: Sql = ("(1 = 0)",)


class Condition:
    """One row's condition, for the objects of one type."""

    def __init__(self, scope: Scope, type: str, id: Column) -> None:
        self.scope = scope
        self.type = type
        self.id = id

    def of(self, relation: str) -> Sql:
        """Write the condition."""
        held = self._of_slot((self.type, relation))
        name = keys.of(keys.OUTER, self.id)
        named = [keys.nameable(name, self.type)] if self.id.kind is Kind.TEXT else []
        known = [sql(name, " IS NOT NULL")] if self.id.nullable else []
        return all_of([held, *known, *named])

    def by_ids(self, relation: str) -> Sql:
        """Write that the row's id is in the set of the relation's ids."""
        compiler = Compiler(self.scope)
        return self._within(compiler, compiler.ids((self.type, relation)))

    def _of_slot(self, slot: Slot) -> Sql:
        if slot not in self.scope.possible:
            return NEVER
        if self.scope.component(slot) or self.scope.itself(slot):
            compiler = Compiler(self.scope)
            return self._within(compiler, compiler.ids(slot))
        return self._of(self.scope.rewrite(slot), slot)

    def _of(self, rewrite: Rewrite, slot: Slot) -> Sql:
        if not self.scope.can_hold(rewrite, slot):
            return NEVER
        match rewrite:
            case Direct():
                return any_of(self._named(slot))
            case Computed(relation):
                return self._of_slot((slot[0], relation))
            case FromParent(relation, tupleset):
                parents = self.scope.parents((slot[0], tupleset), relation)
                return any_of(self._leading_to(rows, target) for rows, target in parents)
            case Intersection(parts):
                return all_of(self._of(part, slot) for part in parts)
            case Exclusion(base, subtract):
                return sql("(", self._of(base, slot), " AND NOT ", self._of(subtract, slot), ")")
            case _:
                held = (part for part in rewrite.children if self.scope.can_hold(part, slot))
                return any_of(self._of(part, slot) for part in held)

    def _named(self, slot: Slot) -> Iterator[Sql]:
        for rows in self.scope.rows_of(slot):
            if not self.scope.names_user(rows):
                continue
            if not rows.place.own:
                compiler = Compiler(self.scope)
                yield self._within(compiler, compiler.naming_user(rows))
            elif rows.wildcard:
                yield all_of(rows.place.demands(keys.OUTER))
            else:
                yield self._here(rows, rows.user.equals_value(keys.OUTER, self.scope.subject.id) or NEVER)
        for rows, target in self.scope.usersets(slot):
            yield self._leading_to(rows, target)

    def _leading_to(self, rows: TupleRows, target: Slot) -> Sql:
        compiler = Compiler(self.scope)
        if not rows.place.own:
            return self._within(compiler, compiler.leading_to(rows, target))
        ids = compiler.ids(target)
        if ids is None:
            return NEVER
        return self._here(rows, rows.user.within(keys.OUTER, compiler.whole(ids), self.scope.mapping.kind(target[0])))

    def _here(self, rows: TupleRows, test: Sql) -> Sql:
        """Hold the row's own columns to the conditions of its tuples; what is NULL meets none."""
        known = rows.user.is_known(keys.OUTER) if isinstance(rows.user, InColumn) else []
        return all_of([*known, *rows.place.demands(keys.OUTER), test])

    def _within(self, compiler: Compiler, ids: Sql | None) -> Sql:
        """Look for the row's id in a query."""
        return NEVER if ids is None else sql(keys.of(keys.OUTER, self.id), " IN (", compiler.whole(ids), ")")
