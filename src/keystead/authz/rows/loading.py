"""Loads just what a question needs from the rows, step by step, into a throw-away graph.

Forwards from objects (who may do something to them?) or backwards from a user (to what does it lead?): breadth first,
one query for each relation and source of it in a step, whatever the number of objects; a place seen once is not asked
for again, so that circles end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from keystead.authz.engine.graph import Graph
from keystead.authz.model import Computed, Direct, FromParent, leaves
from keystead.authz.names import WILDCARD, parse_user
from keystead.authz.rows.mapped import RowMapping
from keystead.authz.rows.problems import TooMuch
from keystead.authz.rows.reading import Reader, Run
from keystead.authz.rows.tuple_rows import Slot
from keystead.storage.ports import Relationship

MAX_LOADED: Final = 100_000
"""The most tuples one question may load before it is refused."""

Place = tuple[Slot, str]
"""A relation of an object: ((type, relation), id)."""


class Loader:
    """The tuples of one question. `extra`: those that come with it and are in no row."""

    def __init__(
        self, mapping: RowMapping, run: Run, extra: Sequence[Relationship] = (), most: int = MAX_LOADED
    ) -> None:
        self.mapping = mapping
        self.graph = Graph(mapping.plan)
        self._reader = Reader(mapping, run)
        self._most = most
        self.extra = [each for each in extra if mapping.holds_names_of(each)]
        self._taken: set[Relationship] = set()
        self._tuplesets = {
            (definition.name, leaf.tupleset)
            for definition in mapping.model.types
            for relation in definition.relations
            for leaf in leaves(relation.rewrite)
            if isinstance(leaf, FromParent)
        }

    def forwards(self, places: Iterable[Place], users: Sequence[str] | None) -> None:
        """Load what decides who has these relations. `users`: who alone is of interest; None: everybody."""
        seen = set(places)
        read: set[Place] = set()
        step = seen.copy()
        while step:
            following: set[Place] = set()
            for slot, ids in _by_slot(step).items():
                following |= self._forward_step(slot, ids, users, read)
            step = following - seen
            seen |= step

    def backwards(self, user: str, wanted: set[Slot]) -> set[Place]:
        """Load what a user's tuples lead to, among these relations. Answer: every place that may be reached."""
        asking = parse_user(user)
        step: set[Place] = set()
        if asking.relation:
            step.add(((asking.type, asking.relation), asking.id))
        else:
            step |= self._naming(wanted, (asking.type, ""), [asking.id, WILDCARD])
        seen = step.copy()
        while step:
            following: set[Place] = set()
            for slot, ids in _by_slot(step).items():
                following |= self._backward_step(slot, ids, wanted)
            step = following - seen
            seen |= step
        return seen

    def _forward_step(self, slot: Slot, ids: list[str], users: Sequence[str] | None, read: set[Place]) -> set[Place]:
        """Load what one relation of some objects needs of its own. Answer: what it needs elsewhere."""
        type = slot[0]
        definition = self.mapping.model.relation(*slot)
        following: set[Place] = set()
        for leaf in leaves(definition.rewrite) if definition else ():
            if isinstance(leaf, Direct):
                for each in self._of_objects(slot, ids, users, read):
                    user = parse_user(each.user)
                    if user.relation:
                        following.add(((user.type, user.relation), user.id))
            elif isinstance(leaf, Computed):
                following |= {((type, leaf.relation), id) for id in ids}
            else:
                for each in self._of_objects((type, leaf.tupleset), ids, None, set()):
                    user = parse_user(each.user)
                    if self.mapping.model.relation(user.type, leaf.relation) and not user.relation:
                        following.add(((user.type, leaf.relation), user.id))
        return following

    def _of_objects(
        self, slot: Slot, ids: list[str], users: Sequence[str] | None, read: set[Place]
    ) -> list[Relationship]:
        missing = [id for id in ids if (slot, id) not in read]
        read |= {(slot, id) for id in missing}
        names = {f"{slot[0]}:{id}" for id in missing}
        extra = [each for each in self.extra if each.relation == slot[1] and each.object in names]
        only = None if slot in self._tuplesets else users
        return [*extra, *self._take(self._reader.of_objects(slot, missing, only))]

    def _backward_step(self, slot: Slot, ids: list[str], wanted: set[Slot]) -> set[Place]:
        plan = self.mapping.plan
        number = plan.slots[slot]
        found = {(plan.names[other], id) for other in plan.backward.also[number] for id in ids}
        found |= self._naming(wanted, slot, ids)
        for tupleset, other in plan.backward.through[number]:
            children = self._naming({plan.names[tupleset]}, (slot[0], ""), ids)
            found |= {(plan.names[other], id) for _, id in children}
        return {place for place in found if place[0] in wanted}

    def _naming(self, slots: set[Slot], subject: Slot, ids: list[str]) -> set[Place]:
        """Load the tuples of some relations that name a user or a userset. Answer: what they give."""
        suffix = f"#{subject[1]}" if subject[1] else ""
        names = {f"{subject[0]}:{id}{suffix}" for id in ids}
        found: set[Place] = set()
        for slot in sorted(slots):
            definition = self.mapping.model.relation(*slot)
            restrictions = definition.restrictions if definition else ()
            if any((each.type, each.relation) == subject for each in restrictions):
                loaded = self._take(self._reader.naming(slot, subject, ids))
                extra = [each for each in self.extra if each.relation == slot[1] and each.user in names]
                objects = (parse_user(each.object) for each in (*extra, *loaded))
                found |= {(slot, object.id) for object in objects if object.type == slot[0]}
        return found

    def _take(self, tuples: Iterator[Relationship]) -> list[Relationship]:
        """Add tuples to the graph. Answer: those that the model accepts."""
        taken = []
        for each in tuples:
            if self._is_a_row(each):
                taken.append(each)
            elif self.graph.add(each):
                taken.append(each)
                self._taken.add(each)
            if len(self._taken) > self._most:
                raise TooMuch(
                    f"this question would load more than {self._most:,} tuples; use a filter, which lets the database "
                    "decide, or pass `most=` for more"
                )
        return taken

    def _is_a_row(self, each: Relationship) -> bool:
        """Tell whether what a stored tuple says for a while, or under a condition, is in a row for good."""
        qualified = bool(each.condition or each.expires_at)
        return qualified and Relationship(each.object, each.relation, each.user) in self._taken


def _by_slot(places: Iterable[Place]) -> dict[Slot, list[str]]:
    found: dict[Slot, list[str]] = {}
    for slot, id in sorted(places):
        found.setdefault(slot, []).append(id)
    return found
