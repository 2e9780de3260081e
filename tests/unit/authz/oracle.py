"""The obviously right engine: sets of (object, relation), grown until nothing changes. Slow, and read it in a minute.

A user's rights are the well-founded model of the rules. Without `but not` that is the least fixpoint. With it, what
certainly holds and what possibly holds are computed from each other until both stand still; a check is a yes only
for what certainly holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    Direct,
    Exclusion,
    FromParent,
    Intersection,
    Restriction,
    Rewrite,
)
from keystead.storage.ports import Relationship

Right = tuple[str, str]
"""(object, relation)"""


class Oracle:
    """Everything one user may do under a model and tuples."""

    def __init__(self, model: AuthorizationModel, tuples: Iterable[Relationship], user: str, objects: set[str]) -> None:
        self.model = model
        self.user = user
        self.tuples = [each for each in tuples if self.allowed_by_model(each)]
        self.named: dict[Right, list[str]] = {}
        for each in self.tuples:
            self.named.setdefault((each.object, each.relation), []).append(each.user)
        self.everything = {
            (object, relation.name)
            for object in objects
            for definition in model.types
            if definition.name == object.partition(":")[0]
            for relation in definition.relations
        }
        certain: set[Right] = set()
        while True:
            possible = self.grow(certain)
            again = self.grow(possible)
            if again == certain:
                break
            certain = again
        self.rights = certain

    def grow(self, other: Collection[Right]) -> set[Right]:
        """Return the least set closed under the rules, what `but not` takes away being read from the other set."""
        rights: set[Right] = set()
        while True:
            more = {right for right in self.everything if right not in rights and self.given(right, rights, other)}
            if not more:
                return rights
            rights |= more

    def given(self, right: Right, rights: Collection[Right], other: Collection[Right]) -> bool:
        """Tell whether one rule, applied once, gives a right."""
        object, relation = right
        if self.user == f"{object}#{relation}":
            return True
        definition = self.model.relation(object.partition(":")[0], relation)
        return definition is not None and self.holds(definition.rewrite, object, relation, rights, other)

    def holds(
        self, rewrite: Rewrite, object: str, relation: str, rights: Collection[Right], other: Collection[Right]
    ) -> bool:
        """Evaluate a rewrite at an object."""
        match rewrite:
            case Direct():
                return any(self.names_user(named, rights) for named in self.named.get((object, relation), ()))
            case Computed(name):
                return (object, name) in rights
            case FromParent(name, tupleset):
                return any((parent, name) in rights for parent in self.named.get((object, tupleset), ()))
            case Exclusion(base, subtract):
                return self.holds(base, object, relation, rights, other) and not self.holds(
                    subtract, object, relation, other, rights
                )
            case Intersection(children):
                return all(self.holds(child, object, relation, rights, other) for child in children)
            case _:
                return any(self.holds(child, object, relation, rights, other) for child in rewrite.children)

    def names_user(self, named: str, rights: Collection[Right]) -> bool:
        """Tell whether the user of a tuple is, or stands for, ours."""
        if "#" in named:
            object, _, relation = named.partition("#")
            return named == self.user or (object, relation) in rights
        everybody = named.endswith(":*") and "#" not in self.user and self.user.partition(":")[0] == named[:-2]
        return named == self.user or everybody

    def allowed_by_model(self, tuple: Relationship) -> bool:
        """Tell whether the model would let this tuple be written."""
        definition = self.model.relation(tuple.object.partition(":")[0], tuple.relation)
        return definition is not None and restriction_of(tuple.user) in {
            Restriction(each.type, each.relation, each.wildcard) for each in definition.restrictions
        }


def restriction_of(user: str) -> Restriction:
    """Return the restriction that lets a user into a tuple."""
    object, _, relation = user.partition("#")
    type, _, id = object.partition(":")
    return Restriction(type, relation, id == "*")
