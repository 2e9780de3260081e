"""Names a model may not use: reserved ones, too long ones, and schema versions nobody knows."""

from __future__ import annotations

from typing import Final

from keystead.authz.errors import Problem
from keystead.authz.model import AuthorizationModel, TypeDefinition

SCHEMAS: Final = frozenset({"1.1", "1.2"})
RESERVED: Final = frozenset({"self", "this"})
MAX_TYPE: Final = 254
MAX_RELATION: Final = 50


def find_bad_names(model: AuthorizationModel) -> list[Problem]:
    """Look at the schema version and at the name of every type and relation."""
    problems: list[Problem] = []
    if not model.schema:
        remedy = "write `model` and `schema 1.1` first; a module is read with the others, through its fga.mod"
        problems.append(Problem("schema version required", model.schema_span, "schema-version-required", remedy))
    elif model.schema not in SCHEMAS:
        message = f"invalid schema {model.schema}"
        problems.append(Problem(message, model.schema_span, "invalid-schema", "write `schema 1.1`", model.schema))
    for definition in model.types:
        problems += _type_name(definition) + _relation_names(definition)
    return problems


def _type_name(definition: TypeDefinition) -> list[Problem]:
    name, span = definition.name, definition.span
    if name in RESERVED:
        message = "a type cannot be named 'self' or 'this'."
        return [Problem(message, span, "reserved-type-keywords", "choose another name", name)]
    if len(name) > MAX_TYPE:
        message = rf"type '{name}' does not match naming rule: '^[^:#@\*\s]{{1,254}}$'."
        return [Problem(message, span, "invalid-name", f"use at most {MAX_TYPE} characters", name)]
    return []


def _relation_names(definition: TypeDefinition) -> list[Problem]:
    problems = []
    for relation in definition.relations:
        name, span = relation.name, relation.span
        if name in RESERVED:
            message = "a relation cannot be named 'self' or 'this'."
            problems.append(Problem(message, span, "reserved-relation-keywords", "choose another name", name))
        elif len(name) > MAX_RELATION:
            rule = r"^[^:#@\*\s]{1,50}$"
            message = f"relation '{name}' of type '{definition.name}' does not match naming rule: '{rule}'."
            problems.append(Problem(message, span, "invalid-name", f"use at most {MAX_RELATION} characters", name))
    return problems
