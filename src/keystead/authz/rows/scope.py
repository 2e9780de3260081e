"""Which relations can matter for one user at all, and which of them depend on themselves.

Read off the mapping, without looking at a row: a relation no row or tuple of which could lead to the user is left out
of the query, and with it everything that only it would have needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from keystead.authz.model import Computed, Direct, Exclusion, FromParent, Intersection, Rewrite, children
from keystead.authz.names import WILDCARD, Subject
from keystead.authz.rows.mapped import RowMapping
from keystead.authz.rows.tuple_rows import Slot, TupleRows


class Scope:
    """What can matter for one user. `extra`: tuples that come with the question."""

    def __init__(self, mapping: RowMapping, subject: Subject, extra: dict[Slot, tuple[TupleRows, ...]]) -> None:
        self.mapping = mapping
        self.subject = subject
        self._extra = extra
        self._rewrites = {
            (definition.name, relation.name): relation.rewrite
            for definition in mapping.model.types
            for relation in definition.relations
        }
        self.possible: set[Slot] = set()
        self._grow()
        self._needs = {slot: self._needs_of(slot) for slot in self.possible}

    def rewrite(self, slot: Slot) -> Rewrite:
        """Return a relation's definition."""
        return self._rewrites[slot]

    def rows_of(self, slot: Slot) -> tuple[TupleRows, ...]:
        """Return where the tuples of a relation are."""
        return (*self.mapping.rows_of(slot), *self._extra.get(slot, ()))

    def itself(self, slot: Slot) -> bool:
        """Tell whether the user asking is a userset of this relation: it has what it is."""
        return (self.subject.type, self.subject.relation) == slot

    def names_user(self, rows: TupleRows) -> bool:
        """Tell whether tuples of these rows could name the user directly, or everybody."""
        subject = self.subject
        if subject.relation or rows.subject != (subject.type, ""):
            return False
        return rows.wildcard or (subject.id != WILDCARD and rows.user.equals_value("", subject.id) is not None)

    def parents(self, slot: Slot, relation: str) -> Iterator[tuple[TupleRows, Slot]]:
        """Return the rows that name parents which may give the user a relation, and that relation of theirs."""
        for rows in self.rows_of(slot):
            target = (rows.subject[0], relation)
            if rows.plain and target in self.possible:
                yield rows, target

    def usersets(self, slot: Slot) -> Iterator[tuple[TupleRows, Slot]]:
        """Return the rows that name usersets which the user may be in."""
        for rows in self.rows_of(slot):
            if rows.subject[1] and rows.subject in self.possible:
                yield rows, rows.subject

    def component(self, slot: Slot) -> frozenset[Slot]:
        """Return the relations that this one depends on and that depend on it; empty when it needs no recursion."""
        return frozenset(other for other in self.reachable(slot) if slot in self.reachable(other))

    def reachable(self, slot: Slot) -> set[Slot]:
        """Return every relation this one depends on, itself only if in a circle."""
        found: set[Slot] = set()
        walk = [slot]
        while walk:
            for other in self._needs[walk.pop()] - found:
                found.add(other)
                walk.append(other)
        return found

    def can_hold(self, rewrite: Rewrite, slot: Slot) -> bool:
        """Tell whether a part of a relation's definition can hold for the user."""
        match rewrite:
            case Direct():
                return any(map(self.names_user, self.rows_of(slot))) or any(self.usersets(slot))
            case Computed(relation):
                return (slot[0], relation) in self.possible
            case FromParent(relation, tupleset):
                return any(self.parents((slot[0], tupleset), relation))
            case Intersection(parts):
                return all(self.can_hold(part, slot) for part in parts)
            case Exclusion(base, _):
                return self.can_hold(base, slot)
            case _:
                return any(self.can_hold(part, slot) for part in rewrite.children)

    def needs(self, rewrite: Rewrite, slot: Slot) -> set[Slot]:
        """Return the relations a part of a definition refers to, what `but not` takes away included."""
        if not self.can_hold(rewrite, slot):
            return set()
        match rewrite:
            case Direct():
                return {target for _, target in self.usersets(slot)}
            case Computed(relation):
                return {(slot[0], relation)}
            case FromParent(relation, tupleset):
                return {target for _, target in self.parents((slot[0], tupleset), relation)}
            case _:
                return {need for part in children(rewrite) for need in self.needs(part, slot)}

    def _needs_of(self, slot: Slot) -> set[Slot]:
        return self.needs(self._rewrites[slot], slot)

    def _grow(self) -> None:
        growing = True
        while growing:
            more = {
                slot
                for slot, rewrite in self._rewrites.items()
                if slot not in self.possible and (self.itself(slot) or self.can_hold(rewrite, slot))
            }
            self.possible |= more
            growing = bool(more)
