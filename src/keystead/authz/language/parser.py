"""Recursive descent over a model's text: header, types, relations, conditions.

Spec: OpenFGA modelling language, schema 1.1 and 1.2, modules.
Raises ModelError at the first place that cannot be read; what is well formed but wrong is found by `checks`.
"""

from __future__ import annotations

from typing import NoReturn

import msgspec

from keystead.authz.errors import NOWHERE, ModelError, Problem, Span
from keystead.authz.language.bounds import GENEROUS, Bounds, require_length
from keystead.authz.language.conditions import parse_condition
from keystead.authz.language.cursor import Cursor
from keystead.authz.language.rewrites import parse_rewrite
from keystead.authz.language.tokens import END, WORD, Token
from keystead.authz.model import AuthorizationModel, ConditionDefinition, RelationDefinition, TypeDefinition


class Document(msgspec.Struct, frozen=True):
    """One text: a whole model (`schema`), or a module (`module`) that may extend the types of others."""

    types: tuple[TypeDefinition, ...]
    extensions: tuple[TypeDefinition, ...]
    conditions: tuple[ConditionDefinition, ...]
    schema: str = ""
    schema_span: Span = NOWHERE
    module: str = ""


def parse_model(text: str, bounds: Bounds = GENEROUS) -> AuthorizationModel:
    """Read the text of a model; a module gives one without a schema version. Raises: ModelError."""
    document = parse_document(text, bounds=bounds)
    span = document.schema_span if document.schema else Span(1, 1, 1)
    return AuthorizationModel(document.schema, document.types, document.conditions, span)


def parse_document(text: str, file: str = "", bounds: Bounds = GENEROUS) -> Document:
    """Read a model or a module; `file` goes into every place. Raises: ModelError."""
    require_length(text, bounds, file)
    cursor = Cursor(text, file)
    version, module = _parse_header(cursor)
    types: list[TypeDefinition] = []
    extensions: dict[str, TypeDefinition] = {}
    while cursor.at("type") or cursor.at("extend"):
        if cursor.at("type"):
            types.append(_parse_type(cursor))
            continue
        extension = _parse_extension(cursor, module)
        if extension.name in extensions:
            _refuse(extension.name, extension.span, f"'{extension.name}' is already extended in file.")
        extensions[extension.name] = extension
    conditions = _parse_conditions(cursor)
    if cursor.token.kind != END:
        cursor.fail("`type` or `condition`", "a relation belongs under `relations` of a type")
    parts = (tuple(types), tuple(extensions.values()), tuple(conditions.values()))
    if module is not None:
        return Document(*parts, module=module.text)
    return Document(*parts, schema=version.text, schema_span=version.span)


def _parse_conditions(cursor: Cursor) -> dict[str, ConditionDefinition]:
    conditions: dict[str, ConditionDefinition] = {}
    while cursor.at("condition"):
        condition = parse_condition(cursor)
        if condition.name in conditions:
            _refuse(condition.name, condition.span, f"condition '{condition.name}' is already defined in the model")
        conditions[condition.name] = condition
    return conditions


def _parse_header(cursor: Cursor) -> tuple[Token, Token | None]:
    cursor.skip_newlines()
    if cursor.at("module"):
        return _parse_module(cursor)
    cursor.word("model", "begin the model with the line `model`, then `  schema 1.1`")
    cursor.newline("write `schema 1.1` on the next line")
    cursor.word("schema", "write `schema 1.1` below `model`")
    version = cursor.name("the schema version", "write `schema 1.1` or `schema 1.2`")
    major, dot, minor = version.text.partition(".")
    if not (dot and major.isdecimal() and minor.isdecimal()):
        _refuse(version.text, version.span, f"`{version.text}` is not a schema version", "write `1.1` or `1.2`")
    cursor.newline("the schema version ends its line")
    return version, None


def _parse_module(cursor: Cursor) -> tuple[Token, Token]:
    keyword = cursor.advance()
    if cursor.token.kind != WORD:
        end = keyword.span.end
        span = Span(keyword.span.line, end, end + 1, keyword.span.file)
        _refuse("module", span, "expected the name of the module", "write `module projects`")
    name = cursor.advance()
    cursor.newline("the name of a module ends its line")
    return keyword, name


def _parse_extension(cursor: Cursor, module: Token | None) -> TypeDefinition:
    cursor.word("extend", "")
    if module is None:
        token = cursor.advance() if cursor.at("type") else cursor.token
        shown = cursor.token if token.text == "type" else token
        remedy = "begin with `module NAME` instead of `model`, and list the files in fga.mod"
        _refuse(shown.text, shown.span, "extend can only be used in a modular model", remedy)
    return _parse_type(cursor)


def _parse_type(cursor: Cursor) -> TypeDefinition:
    cursor.word("type", "write `type document`")
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
