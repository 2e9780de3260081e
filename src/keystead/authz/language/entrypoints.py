"""Relations that nobody can ever have: no chain of definitions leads from them to a type that a tuple may name.

A relation has an entry when a tuple can give it to somebody: the least set closed under the definitions, found by
letting entries spread along who waits for whom, each once. Of the rest, those whose definitions on one object lead
into a circle are reported as loops.
"""

from __future__ import annotations

from collections.abc import Mapping

from keystead.authz.errors import Problem
from keystead.authz.model import (
    Computed,
    Direct,
    Exclusion,
    FromParent,
    Intersection,
    RelationDefinition,
    Rewrite,
    Union,
    children,
)

Name = tuple[str, str]


def find_dead_ends(relations: Mapping[Name, RelationDefinition]) -> list[Problem]:
    """Report every relation without an entry. `relations` are all of a model, by (type, name)."""
    entries = _Entries(relations)
    dead = {name: relation for name, relation in relations.items() if name not in entries.found}
    looping = _leading_into_circles({name: entries.blame(name[0], dead[name].rewrite) for name in dead})
    problems = []
    for (type, name), relation in dead.items():
        kind = "potential loop" if (type, name) in looping else "no entrypoint"
        message = f"`{name}` is an impossible relation for `{type}` ({kind})."
        remedy = "let somebody in: name a type in `[...]`, or a relation that does"
        problems.append(Problem(message, relation.span, "relation-no-entry-point", remedy, name))
    return problems


class _Gate:
    """A part of a definition, open when `missing` reaches 0. `leads_to` are the gates that wait for it."""

    __slots__ = ("leads_to", "missing", "name")

    def __init__(self, missing: int, name: Name | None = None) -> None:
        self.missing = missing
        self.name = name
        self.leads_to: list[_Gate] = []


class _Entries:
    """Who has an entry: `found`."""

    def __init__(self, relations: Mapping[Name, RelationDefinition]) -> None:
        self.found: set[Name] = set()
        self._relations = relations
        self._gates = {name: _Gate(1, name) for name in relations}
        self._of_part: dict[int, _Gate] = {}
        self._open: list[_Gate] = []
        for (type, _), relation in relations.items():
            self._build(type, relation.rewrite).leads_to.append(self._gates[type, relation.name])
        self._spread()

    def blame(self, type: str, rewrite: Rewrite) -> list[Name]:
        """Return the relations of the same object whose lack of an entry is why this rewrite has none."""
        if isinstance(rewrite, Computed):
            return [] if (type, rewrite.relation) in self.found else [(type, rewrite.relation)]
        if isinstance(rewrite, Union):
            return [name for part in rewrite.children for name in self.blame(type, part)]
        for part in children(rewrite):
            if self._of_part[id(part)].missing > 0:
                return self.blame(type, part)
        return []

    def _build(self, type: str, rewrite: Rewrite) -> _Gate:
        parts = children(rewrite)
        gate = _Gate(len(parts) if isinstance(rewrite, Exclusion | Intersection) else 1)
        self._of_part[id(rewrite)] = gate
        for part in parts:
            self._build(type, part).leads_to.append(gate)
        if isinstance(rewrite, Direct) and any(not who.relation for who in rewrite.restrictions):
            self._open.append(gate)
        for name in self._mentioned(type, rewrite):
            if name in self._gates:
                self._gates[name].leads_to.append(gate)
        return gate

    def _mentioned(self, type: str, rewrite: Rewrite) -> list[Name]:
        if isinstance(rewrite, Direct):
            return [(who.type, who.relation) for who in rewrite.restrictions if who.relation]
        if isinstance(rewrite, Computed):
            return [(type, rewrite.relation)]
        if isinstance(rewrite, FromParent):
            return [(who.type, rewrite.relation) for who in self._relations[type, rewrite.tupleset].restrictions]
        return []

    def _spread(self) -> None:
        for gate in self._open:
            gate.missing = 0
        while self._open:
            gate = self._open.pop()
            if gate.name:
                self.found.add(gate.name)
            for waiting in gate.leads_to:
                waiting.missing -= 1
                if waiting.missing == 0:
                    self._open.append(waiting)


def _leading_into_circles(references: Mapping[Name, list[Name]]) -> set[Name]:
    """Return the names from which following references can go on for ever."""
    ways_on = {name: len(targets) for name, targets in references.items()}
    named_by: dict[Name, list[Name]] = {}
    for name, targets in references.items():
        for target in targets:
            named_by.setdefault(target, []).append(name)
    ended = [name for name, count in ways_on.items() if not count]
    while ended:
        for before in named_by.get(ended.pop(), ()):
            ways_on[before] -= 1
            if not ways_on[before]:
                ended.append(before)
    return {name for name, count in ways_on.items() if count}
