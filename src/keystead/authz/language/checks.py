"""Everything that is well formed and still wrong, found in one go: names, duplicates, references, dead ends.

Later checks lean on earlier ones, so references are only looked at when names are sound, and dead ends only when
references are.
"""

from __future__ import annotations

from typing import Final

from keystead.authz.conditions import compile_condition
from keystead.authz.errors import ModelError, Problem
from keystead.authz.language.bounds import GENEROUS, Bounds, find_excess
from keystead.authz.language.duplicates import find_duplicates
from keystead.authz.language.entrypoints import find_dead_ends
from keystead.authz.language.names import find_bad_names
from keystead.authz.language.references import find_bad_references, find_unused_conditions
from keystead.authz.model import AuthorizationModel

HARMLESS: Final = frozenset({"condition-not-used", "duplicated-error"})


def check_model(model: AuthorizationModel, bounds: Bounds = GENEROUS, *, lenient: bool = False) -> None:
    """Return when the model is sound. Raises: ModelError with all problems of the first kind found.

    `lenient` lets pass what does no harm, as OpenFGA's server does: conditions nobody uses, things said twice.
    """
    problems = find_problems(model, bounds)
    if lenient:
        problems = [problem for problem in problems if problem.code not in HARMLESS]
    if problems:
        raise ModelError(problems)


def find_problems(model: AuthorizationModel, bounds: Bounds = GENEROUS) -> list[Problem]:
    """Return what is wrong with a model, in the order of the text."""
    problems = find_excess(model, bounds) or find_bad_names(model)
    problems += find_duplicates(model)
    if all(problem.code in HARMLESS for problem in problems):
        relations = {(each.name, relation.name): relation for each in model.types for relation in each.relations}
        problems += find_bad_references(model, relations) or find_dead_ends(relations)
        problems += find_bad_expressions(model)
    return sorted(problems + find_unused_conditions(model), key=_place)


def find_bad_expressions(model: AuthorizationModel) -> list[Problem]:
    """Compile every condition and return what is wrong with them."""
    problems: list[Problem] = []
    for condition in model.conditions:
        try:
            compile_condition(condition)
        except ModelError as error:
            problems += error.problems
    return problems


def _place(problem: Problem) -> tuple[str, int, int]:
    return problem.span.file, problem.span.line, problem.span.column
