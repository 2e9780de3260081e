"""Names that lead nowhere: relations, types and conditions that a definition mentions and nobody defined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from keystead.authz.errors import Problem
from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    Direct,
    FromParent,
    RelationDefinition,
    Restriction,
    leaves,
)

Relations = Mapping[tuple[str, str], RelationDefinition]


def find_bad_references(model: AuthorizationModel, relations: Relations) -> list[Problem]:
    """Follow every name in every definition. `relations` are all of the model, by (type, name)."""
    types = frozenset(definition.name for definition in model.types)
    conditions = frozenset(condition.name for condition in model.conditions)
    problems: list[Problem] = []
    for (type, _), relation in relations.items():
        for leaf in leaves(relation.rewrite):
            if isinstance(leaf, Direct):
                if not leaf.restrictions:
                    problems.append(_without_types(relation))
                for restriction in leaf.restrictions:
                    problems += _restriction(types, relations, restriction)
                    problems += _condition(conditions, restriction)
            elif isinstance(leaf, Computed):
                problems += _computed(relations, type, leaf)
            else:
                problems += _from_parent(relations, type, leaf)
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


def _without_types(relation: RelationDefinition) -> Problem:
    message = f"assignable relation '{relation.name}' must have types"
    remedy = "say who may stand in its tuples: `[user]`, in JSON `directly_related_user_types`"
    return Problem(message, relation.span, "assignable-relation-must-have-type", remedy, relation.name)


def _restriction(types: frozenset[str], relations: Relations, restriction: Restriction) -> Iterator[Problem]:
    name, relation = restriction.type, restriction.relation
    if name not in types:
        message = f"`{name}` is not a valid type."
        yield Problem(message, restriction.span, "invalid-type", f"define it: `type {name}`", name)
    elif relation and (name, relation) not in relations:
        message = f"`{relation}` is not a valid relation for `{name}`."
        yield Problem(message, restriction.span, "invalid-relation-type", _define(relation, name), relation)


def _condition(conditions: frozenset[str], restriction: Restriction) -> Iterator[Problem]:
    name = restriction.condition
    if name and name not in conditions:
        message = f"`{name}` is not a defined condition in the model."
        remedy = f"define it: `condition {name}(...) {{ ... }}`"
        yield Problem(message, restriction.condition_span, "condition-not-defined", remedy, name)


def _computed(relations: Relations, type: str, leaf: Computed) -> Iterator[Problem]:
    if (type, leaf.relation) not in relations:
        message = f"the relation `{leaf.relation}` does not exist."
        yield Problem(message, leaf.span, "missing-definition", _define(leaf.relation, type), leaf.relation)


def _from_parent(relations: Relations, type: str, leaf: FromParent) -> Iterator[Problem]:
    tupleset = relations.get((type, leaf.tupleset))
    if tupleset is None:
        message = f"`{leaf.tupleset}` is not a valid relation for `{type}`."
        yield Problem(message, leaf.span, "invalid-relation-type", _define(leaf.tupleset, type), leaf.tupleset)
        return
    plain = isinstance(tupleset.rewrite, Direct)
    if not plain or any(parent.wildcard or parent.relation for parent in tupleset.restrictions):
        message = f"`{leaf.tupleset}` relation used inside from allows only direct relation."
        remedy = f"let it name objects only: `define {leaf.tupleset}: [folder]`"
        yield Problem(message, leaf.tupleset_span, "tupleuserset-not-direct", remedy, leaf.tupleset)
        return
    parents = dict.fromkeys(parent.type for parent in tupleset.restrictions)
    if not any((parent, leaf.relation) in relations for parent in parents):
        for parent in parents:
            message = (
                f"the `{leaf.relation}` relation definition on type `{type}` is not valid: "
                f"`{leaf.relation}` does not exist on `{leaf.tupleset}`, which is of type `{parent}`."
            )
            remedy = _define(leaf.relation, parent)
            yield Problem(message, leaf.span, "invalid-relation-on-tupleset", remedy, leaf.relation)


def _define(relation: str, type: str) -> str:
    return f"define it: `define {relation}: ...` under `type {type}`, or correct the name"
