"""The obviously right engine: sets of (object, relation), grown until nothing changes. Slow, and read it in a minute.

A user's rights are the well-founded model of the rules. Without `but not` that is the least fixpoint. With it, what
certainly holds and what possibly holds are computed from each other until both stand still.

A tuple counts, does not, or (its condition lacks a parameter or fails) perhaps. The answer is yes if it is certain
while every such tuple is read against it, no if it is not certain while every such tuple is read in its favour (below
a `but not` the other way round), and conditional in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    Direct,
    Exclusion,
    FromParent,
    Intersection,
    Restriction,
    Rewrite,
    Union,
)
from keystead.storage.ports import Relationship

Right = tuple[str, str]
"""(object, relation)"""
Conditions = Mapping[str, tuple[Mapping[str, type], Callable[..., bool]]]
"""name -> (parameters, what it computes)."""
NO_CONDITIONS: Final[Conditions] = {}
NO_CONTEXT: Final[Mapping[str, object]] = {}


class World:
    """What a question is asked in: a model, stored and contextual tuples, a time, a context."""

    def __init__(
        self,
        model: AuthorizationModel,
        tuples: Iterable[Relationship],
        conditions: Conditions = NO_CONDITIONS,
        now: float = 0,
        context: Mapping[str, object] = NO_CONTEXT,
    ) -> None:
        self.model = model
        self.rules: dict[tuple[str, str], Rewrite] = {}
        for type in model.types:
            for relation in type.relations:
                self.rules[type.name, relation.name] = self.apart(type.name, relation.name, relation.rewrite)
        self.tuples = [each for each in tuples if self.allowed_by_model(each) and not 0 < each.expires_at <= now]
        self.verdicts = {each: _verdict(each, conditions, context) for each in self.tuples}
        self.counting: dict[Right, list[tuple[str, bool | None]]] = {}
        for each, verdict in self.verdicts.items():
            if verdict is not False:
                self.counting.setdefault((each.object, each.relation), []).append((each.user, verdict))

    def allowed_by_model(self, tuple: Relationship) -> bool:
        """Tell whether the model would let this tuple be written."""
        definition = self.model.relation(tuple.object.partition(":")[0], tuple.relation)
        return definition is not None and restriction_of(tuple) in {
            Restriction(each.type, each.relation, each.wildcard, each.condition) for each in definition.restrictions
        }

    def apart(self, type: str, relation: str, rewrite: Rewrite) -> Rewrite:
        """Make what a `but not` takes away a relation of its own: giving a part a name never changes an answer."""
        match rewrite:
            case Exclusion(base, subtract):
                name = f"{relation}~{len(self.rules)}"
                self.rules[type, name] = Direct(())
                self.rules[type, name] = self.apart(type, relation, subtract)
                return Exclusion(self.apart(type, relation, base), Computed(name))
            case Intersection(children):
                return Intersection(tuple(self.apart(type, relation, child) for child in children))
            case Union(children):
                return Union(tuple(self.apart(type, relation, child) for child in children))
        return rewrite

    def rewrite_of(self, right: Right) -> Rewrite:
        """Return a relation's rule."""
        return self.rules[right[0].partition(":")[0], right[1]]

    def fewer_steps_than(self, maximum: int, start: Right) -> set[Right]:
        """Return the rights fewer than so many usersets and parents away from one, the shortest way."""
        steps = {start: 0}
        while True:
            more = {
                target: steps[right] + cost
                for right in steps
                for target, cost in self.targets(self.rewrite_of(right), right)
                if steps[right] + cost < min(steps.get(target, maximum), maximum)
            }
            if not more:
                return set(steps)
            steps.update(more)

    def targets(self, rewrite: Rewrite, right: Right) -> list[tuple[Right, int]]:
        """Return where a rule leads from an object, and how many steps that counts for."""
        match rewrite:
            case Direct():
                place = (right[0], right[1].partition("~")[0])
                users = [user.partition("#") for user, _ in self.counting.get(place, ())]
                return [((object, relation), 1) for object, _, relation in users if relation]
            case Computed(name):
                return [((right[0], name), 0)]
            case FromParent(name, tupleset):
                parents = [parent for parent, _ in self.counting.get((right[0], tupleset), ())]
                return [
                    ((parent, name), 1) for parent in parents if self.model.relation(parent.partition(":")[0], name)
                ]
            case Exclusion(base, subtract):
                return self.targets(base, right) + self.targets(subtract, right)
            case _:
                return [each for child in rewrite.children for each in self.targets(child, right)]


def restriction_of(tuple: Relationship) -> Restriction:
    """Return the restriction that lets a tuple in."""
    object, _, relation = tuple.user.partition("#")
    type, _, id = object.partition(":")
    return Restriction(type, relation, id == "*", tuple.condition)


def _verdict(tuple: Relationship, conditions: Conditions, context: Mapping[str, object]) -> bool | None:
    """Tell whether a tuple counts. None: nobody knows."""
    if not tuple.condition:
        return True
    parameters, compute = conditions[tuple.condition]
    values = {**context, **json.loads(tuple.context or "{}")}
    if any(type(values.get(name)) is not kind for name, kind in parameters.items()):
        return None
    return compute(**{name: values[name] for name in parameters})


class Oracle:
    """Everything one user may do in a world. Rights that are not `within` are in doubt."""

    def __init__(
        self, world: World, user: str, objects: Iterable[str], within: Collection[Right] | None = None
    ) -> None:
        self.world = world
        self.user = user
        self.within = within
        self.everything = {
            (object, relation.name)
            for object in objects
            for definition in world.model.types
            if definition.name == object.partition(":")[0]
            for relation in definition.relations
        }
        self.all = {
            (object, name) for object in objects for type, name in world.rules if type == object.partition(":")[0]
        }
        self.certain, self.possible = self.settle(favourable=False)
        doubtful = within is not None or None in world.verdicts.values()
        self.at_best = self.settle(favourable=True)[0] if doubtful else self.certain

    def answer(self, right: Right) -> bool | None:
        """Answer a check. None: conditional."""
        return True if right in self.certain else None if right in self.at_best else False

    def contradicts_itself(self, right: Right) -> bool:
        """Tell whether a no comes from depending on its own negation."""
        return right in self.possible and right not in self.at_best

    def settle(self, *, favourable: bool) -> tuple[set[Right], set[Right]]:
        """Return what certainly and what possibly holds, doubtful tuples read for or against what is certain."""
        certain: set[Right] = set()
        while True:
            possible = self.grow(certain, not favourable)
            again = self.grow(possible, favourable)
            if again == certain:
                return certain, possible
            certain = again

    def grow(self, other: Collection[Right], doubtful: bool) -> set[Right]:
        """Return the least set closed under the rules, what `but not` takes away being read from the other set."""
        rights: set[Right] = set()
        while True:
            more = {
                right
                for right in self.all
                if right not in rights and self.given(right, (rights, doubtful), (other, not doubtful))
            }
            if not more:
                return rights
            rights |= more

    def given(self, right: Right, here: tuple[Collection[Right], bool], there: tuple[Collection[Right], bool]) -> bool:
        """Tell whether one rule, applied once, gives a right."""
        if self.within is not None and right not in self.within:
            return here[1]
        return self.user == "#".join(right) or self.holds(self.world.rewrite_of(right), right, here, there)

    def holds(
        self,
        rewrite: Rewrite,
        right: Right,
        here: tuple[Collection[Right], bool],
        there: tuple[Collection[Right], bool],
    ) -> bool:
        """Evaluate a rewrite at an object; `here` are the rights, and whether a doubtful tuple counts."""
        rights, doubtful = here
        match rewrite:
            case Direct():
                return any(
                    self.names_user(named, rights)
                    for named in self.named((right[0], right[1].partition("~")[0]), doubtful)
                )
            case Computed(name):
                return (right[0], name) in rights
            case FromParent(name, tupleset):
                return any((parent, name) in rights for parent in self.named((right[0], tupleset), doubtful))
            case Exclusion(base, subtract):
                return self.holds(base, right, here, there) and not self.holds(subtract, right, there, here)
            case Intersection(children):
                return all(self.holds(child, right, here, there) for child in children)
            case _:
                return any(self.holds(child, right, here, there) for child in rewrite.children)

    def named(self, right: Right, doubtful: bool) -> list[str]:
        """Return whom the tuples of a relation of an object name."""
        return [user for user, sure in self.world.counting.get(right, ()) if sure or doubtful]

    def names_user(self, named: str, rights: Collection[Right]) -> bool:
        """Tell whether the user of a tuple is, or stands for, ours."""
        if "#" in named:
            object, _, relation = named.partition("#")
            return named == self.user or (object, relation) in rights
        everybody = named.endswith(":*") and "#" not in self.user and self.user.partition(":")[0] == named[:-2]
        return named == self.user or everybody
