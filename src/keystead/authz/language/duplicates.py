"""Things said twice: types, restrictions, and operands of one operator.

As in OpenFGA's own checker, the place reported is the first of the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from keystead.authz.errors import Problem, Span
from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    FromParent,
    RelationDefinition,
    Rewrite,
    children,
)


def find_duplicates(model: AuthorizationModel) -> list[Problem]:
    """Look for types, restrictions and operands that stand twice."""
    problems = []
    counted = Counter(definition.name for definition in model.types)
    for definition in model.types:
        name = definition.name
        if counted.pop(name, 0) > 1:
            message = f"the type `{name}` is a duplicate."
            problems.append(Problem(message, definition.span, "duplicated-type", "remove one of the two", name))
    for definition in model.types:
        for relation in definition.relations:
            problems += [*_restrictions(relation), *_operands(relation)]
    return problems


def _restrictions(relation: RelationDefinition) -> Iterator[Problem]:
    counted = Counter(str(restriction) for restriction in relation.restrictions)
    for restriction in relation.restrictions:
        text = str(restriction)
        if counted.pop(text, 0) > 1:
            message = f"the type restriction `{text}` is a duplicate in the relation `{relation.name}`."
            yield _duplicate(message, restriction.span, text)


def _operands(relation: RelationDefinition) -> Iterator[Problem]:
    stack: list[Rewrite] = [relation.rewrite]
    while stack:
        operands = children(stack.pop())
        stack.extend(operands)
        named = [(_text(operand), operand.span) for operand in operands if isinstance(operand, Computed | FromParent)]
        counted = Counter(text for text, _ in named)
        for text, span in named:
            if counted.pop(text, 0) > 1:
                message = f"the partial relation definition `{text}` is a duplicate in the relation `{relation.name}`."
                yield _duplicate(message, span, text)


def _text(operand: Computed | FromParent) -> str:
    return operand.relation if isinstance(operand, Computed) else f"{operand.relation} from {operand.tupleset}"


def _duplicate(message: str, span: Span, symbol: str) -> Problem:
    return Problem(message, span, "duplicated-error", "remove one of the two", symbol)
