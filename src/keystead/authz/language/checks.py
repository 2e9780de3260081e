"""Everything that is well formed and still wrong, found in one go: names, duplicates, references, dead ends.

Later checks lean on earlier ones, so references are only looked at when names are sound, and dead ends only when
references are.
"""

from __future__ import annotations

from keystead.authz.conditions import compile_condition
from keystead.authz.errors import ModelError, Problem
from keystead.authz.language.duplicates import find_duplicates
from keystead.authz.language.entrypoints import find_dead_ends
from keystead.authz.language.names import find_bad_names
from keystead.authz.language.references import find_bad_references, find_unused_conditions
from keystead.authz.model import AuthorizationModel


def find_bad_expressions(model: AuthorizationModel) -> list[Problem]:
    """Compile every condition and return what is wrong with them."""
    problems: list[Problem] = []
    for condition in model.conditions:
        try:
            compile_condition(condition)
        except ModelError as error:
            problems += error.problems
    return problems


def check_model(model: AuthorizationModel) -> None:
    """Return when the model is sound. Raises: ModelError with all problems of the first kind found."""
    problems = find_problems(model)
    if problems:
        raise ModelError(problems)


def find_problems(model: AuthorizationModel) -> list[Problem]:
    """Return what is wrong with a model, in the order of the text."""
    problems = find_bad_names(model) + find_duplicates(model)
    if not problems:
        relations = {(each.name, relation.name): relation for each in model.types for relation in each.relations}
        problems = find_bad_references(model, relations) or find_dead_ends(relations)
        problems = problems + find_bad_expressions(model)
    return sorted(
        problems + find_unused_conditions(model), key=lambda problem: (problem.span.line, problem.span.column)
    )
