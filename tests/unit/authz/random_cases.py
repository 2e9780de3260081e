"""Random small worlds: a model, tuples (some of which it refuses), conditions, contexts, and who might ask."""

from __future__ import annotations

import json
from random import Random
from typing import Final

from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    ConditionDefinition,
    Direct,
    Exclusion,
    FromParent,
    Intersection,
    Parameter,
    RelationDefinition,
    Restriction,
    Rewrite,
    TypeDefinition,
    Union,
)
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship
from tests.unit.authz.oracle import Conditions

TYPES = ("group", "folder", "doc")
RELATIONS = ("a", "b", "c", "d")
PARENT = "parent"
IDS = ("1", "2", "3")
CONDITIONS: Final[Conditions] = {
    "young": ({"age": int}, lambda age: age < 30),
    "calm": ({"loud": bool, "age": int}, lambda loud, age: not loud or age > 60),
}
"""What the conditions below mean, for the oracle."""
_DEFINITIONS: Final = (
    ConditionDefinition("young", (Parameter("age", "int"),), "age < 30"),
    ConditionDefinition("calm", (Parameter("loud", "bool"), Parameter("age", "int")), "!loud || age > 60"),
)


def random_model(random: Random, *, monotone: bool = False, conditions: bool = False) -> AuthorizationModel:
    """Make a model: every type has a plain `parent` relation and a few others of any shape."""
    types = [TypeDefinition("user"), TypeDefinition("robot")]
    names = {type: RELATIONS[: random.randint(1, 4)] for type in TYPES}
    for type in TYPES:
        parents = random.sample(TYPES, random.randint(1, 3))
        relations = [RelationDefinition(PARENT, Direct(tuple(Restriction(parent) for parent in parents)))]
        for name in names[type]:
            relations.append(RelationDefinition(name, _rewrite(random, names, type, 2, monotone=monotone)))
        types.append(TypeDefinition(type, tuple(relations)))
    model = AuthorizationModel("1.1", tuple(types))
    return _with_conditions(random, model) if conditions else model


def random_tuple(random: Random, model: AuthorizationModel) -> Relationship:
    """Make a tuple, mostly one that the model allows, perhaps one that expires; the time is meant to be about 100."""
    definition = random.choice([each for each in model.types if each.relations])
    relation = random.choice(definition.relations)
    name, user = relation.name, random_user(random)
    condition = random.choice(("", "young", "calm")) if model.conditions else ""
    if relation.restrictions and random.random() < 0.8:
        who = random.choice(relation.restrictions)
        user = f"{who.type}:{'*' if who.wildcard else random.choice(IDS)}{f'#{who.relation}' if who.relation else ''}"
        condition = who.condition
    context = random_context(random) if condition and random.random() < 0.5 else {}
    expires_at = EpochSeconds(random.choice((0, 0, 0, 90, 110)) if model.conditions else 0)
    written = json.dumps(context) if context else ""
    return Relationship(f"{definition.name}:{random.choice(IDS)}", name, user, condition, written, expires_at)


def random_context(random: Random) -> dict[str, object]:
    """Make parameters: some missing, some of the wrong type."""
    context: dict[str, object] = {}
    if random.random() < 0.7:
        context["age"] = random.choice((10, 40, 70, 10, 40, "many"))
    if random.random() < 0.7:
        context["loud"] = random.random() < 0.5
    return context


def _with_conditions(random: Random, model: AuthorizationModel) -> AuthorizationModel:
    """Put a condition on some restrictions, beside or instead of the plain ones."""
    types = []
    for definition in model.types:
        relations = [
            RelationDefinition(relation.name, _conditioned(random, relation.rewrite))
            for relation in definition.relations
        ]
        types.append(TypeDefinition(definition.name, tuple(relations)))
    return AuthorizationModel("1.1", tuple(types), _DEFINITIONS)


def _conditioned(random: Random, rewrite: Rewrite) -> Rewrite:
    match rewrite:
        case Direct(restrictions):
            more = [
                Restriction(each.type, each.relation, each.wildcard, condition)
                for each in restrictions
                for condition in random.sample(("", "young", "calm"), random.randint(1, 3))
            ]
            return Direct(tuple(dict.fromkeys(more)))
        case Union(children):
            return Union(tuple(_conditioned(random, child) for child in children))
        case Intersection(children):
            return Intersection(tuple(_conditioned(random, child) for child in children))
        case Exclusion(base, subtract):
            return Exclusion(_conditioned(random, base), _conditioned(random, subtract))
        case leaf:
            return leaf


def random_tuples(random: Random) -> list[Relationship]:
    """Make tuples, most of which most models allow."""
    return [
        Relationship(_object(random), random.choice((*RELATIONS, PARENT)), random_user(random))
        for _ in range(random.randint(0, 25))
    ]


def random_user(random: Random) -> str:
    """Make a user of any kind."""
    kind = random.random()
    if kind < 0.45:
        return f"{random.choice(('user', 'user', 'robot'))}:{random.choice(IDS)}"
    if kind < 0.5:
        return "user:*"
    if kind < 0.75:
        return _object(random)
    return f"{_object(random)}#{random.choice((*RELATIONS, PARENT))}"


def _object(random: Random) -> str:
    return f"{random.choice(TYPES)}:{random.choice(IDS)}"


def _rewrite(random: Random, names: dict[str, tuple[str, ...]], type: str, depth: int, *, monotone: bool) -> Rewrite:
    direct = Direct(_restrictions(random, names))
    kind = random.random()
    if kind < 0.3 or depth == 0:
        return direct
    parts = tuple(_part(random, names, type, depth - 1, monotone=monotone) for _ in range(random.randint(1, 3)))
    if monotone or kind < 0.6:
        return Union((direct, *parts))
    if kind < 0.7:
        return Intersection((direct, *parts))
    if kind < 0.85:
        return Exclusion(direct, parts[0])
    return Exclusion(Union((direct, *parts)), _part(random, names, type, depth - 1, monotone=monotone))


def _part(random: Random, names: dict[str, tuple[str, ...]], type: str, depth: int, *, monotone: bool) -> Rewrite:
    kind = random.random()
    if kind < 0.35:
        return FromParent(random.choice(RELATIONS), PARENT)
    if kind < 0.75 or depth == 0:
        return Computed(random.choice(names[type]))
    parts = tuple(_part(random, names, type, depth - 1, monotone=monotone) for _ in range(2))
    if monotone or kind < 0.85:
        return Union(parts)
    return Intersection(parts) if kind < 0.92 else Exclusion(*parts)


def _restrictions(random: Random, names: dict[str, tuple[str, ...]]) -> tuple[Restriction, ...]:
    usersets = [Restriction(type, name) for type in TYPES for name in names[type]]
    every = [Restriction("user"), Restriction("user"), Restriction("user", wildcard=True), Restriction("robot")]
    every += [Restriction(type) for type in TYPES] + usersets + usersets
    return tuple(dict.fromkeys(random.sample(every, random.randint(1, 4))))
