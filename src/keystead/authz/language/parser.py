"""Recursive descent over a model's text: header, types, relations, conditions.

Spec: OpenFGA modelling language, schema 1.1 and 1.2.
Raises ModelError at the first place that cannot be read; what is well formed but wrong is found by `checks`.
"""

from __future__ import annotations

from typing import Final, NoReturn

from keystead.authz.errors import ModelError, Problem, Span
from keystead.authz.language.conditions import parse_condition
from keystead.authz.language.cursor import Cursor
from keystead.authz.language.rewrites import parse_rewrite
from keystead.authz.language.tokens import END, Token
from keystead.authz.model import AuthorizationModel, ConditionDefinition, RelationDefinition, TypeDefinition

MAX_MODEL: Final = 262_144
_MODULES: Final = "modular models are not served yet"


def parse_model(text: str) -> AuthorizationModel:
    """Read the text of a model. Raises: ModelError."""
    if len(text) > MAX_MODEL:
        _refuse(
            "", Span(1, 1, 1), f"the model is longer than {MAX_MODEL:,} characters.", "split it into several stores"
        )
    cursor = Cursor(text)
    schema = _parse_header(cursor)
    types: list[TypeDefinition] = []
    while cursor.at("type") or cursor.at("extend"):
        types.append(_parse_type(cursor))
    conditions: dict[str, ConditionDefinition] = {}
    while cursor.at("condition"):
        condition = parse_condition(cursor)
        if condition.name in conditions:
            _refuse(condition.name, condition.span, f"condition '{condition.name}' is already defined in the model")
        conditions[condition.name] = condition
    if cursor.token.kind != END:
        cursor.fail("`type` or `condition`", "a relation belongs under `relations` of a type")
    return AuthorizationModel(schema.text, tuple(types), tuple(conditions.values()), schema.span)


def _parse_header(cursor: Cursor) -> Token:
    cursor.skip_newlines()
    if cursor.at("module"):
        _refuse("module", cursor.token.span, "a module cannot stand alone", _MODULES)
    cursor.word("model", "begin the model with the line `model`, then `  schema 1.1`")
    cursor.newline("write `schema 1.1` on the next line")
    cursor.word("schema", "write `schema 1.1` below `model`")
    version = cursor.name("the schema version", "write `schema 1.1` or `schema 1.2`")
    major, dot, minor = version.text.partition(".")
    if not (dot and major.isdecimal() and minor.isdecimal()):
        _refuse(version.text, version.span, f"`{version.text}` is not a schema version", "write `1.1` or `1.2`")
    cursor.newline("the schema version ends its line")
    return version


def _parse_type(cursor: Cursor) -> TypeDefinition:
    if cursor.at("extend"):
        _refuse("extend", cursor.token.span, "extend can only be used in a modular model", _MODULES)
    cursor.word("type", "")
    name = cursor.name("a type name", "write `type document`")
    cursor.newline("a type name ends its line")
    relations: dict[str, RelationDefinition] = {}
    if cursor.at("relations"):
        cursor.word("relations", "")
        cursor.newline("write each `define` on a line of its own")
        while not relations or cursor.at("define"):
            relation = _parse_relation(cursor)
            if relation.name in relations:
                _refuse(relation.name, relation.span, f"'{relation.name}' is already defined in '{name.text}'")
            relations[relation.name] = relation
    return TypeDefinition(name.text, tuple(relations.values()), name.span)


def _parse_relation(cursor: Cursor) -> RelationDefinition:
    cursor.word("define", "write `define viewer: [user]`")
    name = cursor.name("a relation name", "write `define viewer: [user]`")
    cursor.mark(":", "write `define viewer: [user]` with a colon after the name")
    rewrite = parse_rewrite(cursor)
    cursor.newline("put parentheses around a part before combining it with another operator")
    return RelationDefinition(name.text, rewrite, name.span)


def _refuse(symbol: str, span: Span, message: str, remedy: str = "remove one of the two") -> NoReturn:
    raise ModelError([Problem(message, span, "syntax", remedy, symbol)])
