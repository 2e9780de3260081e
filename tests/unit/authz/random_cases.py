"""Random small worlds: a model of the supported subset, tuples (some of which it refuses), and who might ask."""

from __future__ import annotations

from random import Random

from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    Direct,
    Exclusion,
    FromParent,
    Intersection,
    RelationDefinition,
    Restriction,
    Rewrite,
    TypeDefinition,
    Union,
)
from keystead.storage.ports import Relationship

TYPES = ("group", "folder", "doc")
RELATIONS = ("a", "b", "c", "d")
PARENT = "parent"
IDS = ("1", "2", "3")


def random_model(random: Random, *, monotone: bool = False) -> AuthorizationModel:
    """Make a model: every type has a plain `parent` relation and a few others of any shape."""
    types = [TypeDefinition("user"), TypeDefinition("robot")]
    names = {type: RELATIONS[: random.randint(1, 4)] for type in TYPES}
    for type in TYPES:
        parents = random.sample(TYPES, random.randint(1, 3))
        relations = [RelationDefinition(PARENT, Direct(tuple(Restriction(parent) for parent in parents)))]
        for name in names[type]:
            relations.append(RelationDefinition(name, _rewrite(random, names, type, 2, monotone=monotone)))
        types.append(TypeDefinition(type, tuple(relations)))
    return AuthorizationModel("1.1", tuple(types))


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
