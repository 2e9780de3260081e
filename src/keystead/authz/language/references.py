"""Names that lead nowhere: relations, types and conditions that a definition mentions and nobody defined."""

from __future__ import annotations

from collections.abc import Iterator

from keystead.authz.errors import Problem
from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    Direct,
    FromParent,
    Restriction,
    TypeDefinition,
    leaves,
)


def find_bad_references(model: AuthorizationModel) -> list[Problem]:
    """Follow every name in every definition."""
    problems: list[Problem] = []
    for definition in model.types:
        for relation in definition.relations:
            for leaf in leaves(relation.rewrite):
                if isinstance(leaf, Direct):
                    for restriction in leaf.restrictions:
                        problems += _restriction(model, restriction)
                elif isinstance(leaf, Computed):
                    problems += _computed(definition, leaf)
                else:
                    problems += _from_parent(model, definition, leaf)
    return problems


def find_unused_conditions(model: AuthorizationModel) -> list[Problem]:
    """Look for conditions that no restriction names."""
    used = {
        restriction.condition
        for definition in model.types
        for relation in definition.relations
        for restriction in relation.restrictions
    }
    return [
        Problem(
            f"`{condition.name}` condition is not used in the model.",
            condition.span,
            "condition-not-used",
            "remove it, or name it in a restriction: `user with ...`",
            condition.name,
        )
        for condition in model.conditions
        if condition.name not in used
    ]


def _restriction(model: AuthorizationModel, restriction: Restriction) -> Iterator[Problem]:
    name, relation = restriction.type, restriction.relation
    if model.type(name) is None:
        message = f"`{name}` is not a valid type."
        yield Problem(message, restriction.span, "invalid-type", f"define it: `type {name}`", name)
    elif relation and model.relation(name, relation) is None:
        message = f"`{relation}` is not a valid relation for `{name}`."
        yield Problem(message, restriction.span, "invalid-relation-type", _define(relation, name), relation)
    if restriction.condition and all(known.name != restriction.condition for known in model.conditions):
        message = f"`{restriction.condition}` is not a defined condition in the model."
        remedy = f"define it: `condition {restriction.condition}(...) {{ ... }}`"
        yield Problem(message, restriction.condition_span, "condition-not-defined", remedy, restriction.condition)


def _computed(definition: TypeDefinition, leaf: Computed) -> Iterator[Problem]:
    if definition.relation(leaf.relation) is None:
        message = f"the relation `{leaf.relation}` does not exist."
        yield Problem(message, leaf.span, "missing-definition", _define(leaf.relation, definition.name), leaf.relation)


def _from_parent(model: AuthorizationModel, definition: TypeDefinition, leaf: FromParent) -> Iterator[Problem]:
    tupleset = definition.relation(leaf.tupleset)
    if tupleset is None:
        message = f"`{leaf.tupleset}` is not a valid relation for `{definition.name}`."
        remedy = _define(leaf.tupleset, definition.name)
        yield Problem(message, leaf.span, "invalid-relation-type", remedy, leaf.tupleset)
        return
    plain = isinstance(tupleset.rewrite, Direct)
    if not plain or any(parent.wildcard or parent.relation for parent in tupleset.restrictions):
        message = f"`{leaf.tupleset}` relation used inside from allows only direct relation."
        remedy = f"let it name objects only: `define {leaf.tupleset}: [folder]`"
        yield Problem(message, leaf.tupleset_span, "tupleuserset-not-direct", remedy, leaf.tupleset)
        return
    parents = [parent.type for parent in tupleset.restrictions]
    if all(model.relation(parent, leaf.relation) is None for parent in parents):
        for parent in dict.fromkeys(parents):
            message = (
                f"the `{leaf.relation}` relation definition on type `{definition.name}` is not valid: "
                f"`{leaf.relation}` does not exist on `{leaf.tupleset}`, which is of type `{parent}`."
            )
            remedy = _define(leaf.relation, parent)
            yield Problem(message, leaf.span, "invalid-relation-on-tupleset", remedy, leaf.relation)


def _define(relation: str, type: str) -> str:
    return f"define it: `define {relation}: ...` under `type {type}`, or correct the name"
