"""Complaints about an expression: where it stands in the expression, turned into where it stands in the model."""

from __future__ import annotations

from keystead.authz.errors import NOWHERE, ModelError, Problem, Span
from keystead.authz.model import ConditionDefinition


class Unreadable(Exception):
    """The expression is wrong between two offsets. Becomes a `ModelError` at the door."""

    def __init__(self, message: str, at: int, end: int, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.end = end
        self.remedy = remedy


def model_error(definition: ConditionDefinition, problem: Unreadable) -> ModelError:
    """Say it to the author of the model, with line and column."""
    text, at = definition.expression, min(problem.at, len(definition.expression))
    line = text.count("\n", 0, at)
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    start = definition.expression_span
    message = f"condition `{definition.name}`: {problem.message}."
    if start == NOWHERE:
        message = f"condition `{definition.name}`, line {line + 1}, column {column} of it: {problem.message}."
        span = NOWHERE
    else:
        column += start.column - 1 if line == 0 else 0
        span = Span(start.line + line, column, column + max(1, min(problem.end, len(text)) - at), start.file)
    return ModelError([Problem(message, span, "invalid-condition", problem.remedy, definition.name)])
