"""Relations that nobody can ever have: no chain of definitions leads from them to a type that a tuple may name.

A relation has an entry when a tuple can give it to somebody: the least set closed under the definitions. Of the
rest, those whose definitions on one object refer to each other in a circle are reported as loops.
"""

from __future__ import annotations

from keystead.authz.errors import Problem
from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    Direct,
    Exclusion,
    FromParent,
    Intersection,
    Rewrite,
)

Name = tuple[str, str]


def find_dead_ends(model: AuthorizationModel) -> list[Problem]:
    """Report every relation without an entry."""
    entered = _entered(model)
    problems = []
    for definition in model.types:
        for relation in definition.relations:
            if (definition.name, relation.name) in entered:
                continue
            looping = _loops(model, (definition.name, relation.name), entered)
            kind = "potential loop" if looping else "no entrypoint"
            message = f"`{relation.name}` is an impossible relation for `{definition.name}` ({kind})."
            remedy = "let somebody in: name a type in `[...]`, or a relation that does"
            problems.append(Problem(message, relation.span, "relation-no-entry-point", remedy, relation.name))
    return problems


def _entered(model: AuthorizationModel) -> set[Name]:
    entered: set[Name] = set()
    while True:
        before = len(entered)
        for definition in model.types:
            for relation in definition.relations:
                if _has_entry(model, definition.name, relation.rewrite, entered):
                    entered.add((definition.name, relation.name))
        if len(entered) == before:
            return entered


def _has_entry(model: AuthorizationModel, type: str, rewrite: Rewrite, entered: set[Name]) -> bool:
    if isinstance(rewrite, Direct):
        return any(not who.relation or (who.type, who.relation) in entered for who in rewrite.restrictions)
    if isinstance(rewrite, Computed):
        return (type, rewrite.relation) in entered
    if isinstance(rewrite, FromParent):
        tupleset = model.relation(type, rewrite.tupleset)
        return (
            any((parent.type, rewrite.relation) in entered for parent in tupleset.restrictions) if tupleset else False
        )
    if isinstance(rewrite, Exclusion):
        return all(_has_entry(model, type, part, entered) for part in (rewrite.base, rewrite.subtract))
    every = all if isinstance(rewrite, Intersection) else any
    return every(_has_entry(model, type, part, entered) for part in rewrite.children)


def _loops(model: AuthorizationModel, start: Name, entered: set[Name]) -> bool:
    """Tell whether following same-object references from a dead relation comes back to one already on the way."""
    type, _ = start
    done: set[str] = set()
    on_the_way: list[str] = []
    stack: list[tuple[str, bool]] = [(start[1], False)]
    while stack:
        name, leaving = stack.pop()
        if leaving:
            on_the_way.pop()
            done.add(name)
            continue
        if name in on_the_way:
            return True
        definition = model.relation(type, name)
        if name in done or definition is None:
            continue
        on_the_way.append(name)
        stack.append((name, True))
        stack += [(target, False) for target in _dead_references(model, type, definition.rewrite, entered)]
    return False


def _dead_references(model: AuthorizationModel, type: str, rewrite: Rewrite, entered: set[Name]) -> list[str]:
    """Return the relations of the same object whose lack of an entry is why this rewrite has none."""
    if isinstance(rewrite, Computed):
        return [] if (type, rewrite.relation) in entered else [rewrite.relation]
    if isinstance(rewrite, Direct | FromParent):
        return []
    if isinstance(rewrite, Exclusion | Intersection):
        parts = (rewrite.base, rewrite.subtract) if isinstance(rewrite, Exclusion) else rewrite.children
        dead = [part for part in parts if not _has_entry(model, type, part, entered)]
        return _dead_references(model, type, dead[0], entered) if dead else []
    return [name for part in rewrite.children for name in _dead_references(model, type, part, entered)]
