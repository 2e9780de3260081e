"""Several modules become one model: each team's types, and what it adds to those of others.

Spec: OpenFGA modular models (schema 1.2).
Flow: every file is parsed, types are gathered, then `extend type` adds relations to them; what is wrong is told with
its file. The result knows of every type, added relation and condition which module and file it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from keystead.authz.errors import ModelError, Problem, Span
from keystead.authz.language.bounds import GENEROUS, Bounds
from keystead.authz.language.checks import find_problems
from keystead.authz.language.names import find_bad_names
from keystead.authz.language.parser import Document, parse_document
from keystead.authz.model import AuthorizationModel, ConditionDefinition, TypeDefinition

_RENAME: Final = "rename it, or remove one of the two"


def merge_modules(files: Mapping[str, str], schema: str = "1.2", bounds: Bounds = GENEROUS) -> AuthorizationModel:
    """Read and check modules, name of the file -> text, in the order of the manifest. Raises: ModelError."""
    merge = _Merge()
    for file, text in files.items():
        try:
            document = parse_document(text, file, bounds)
        except ModelError as error:
            merge.problems += error.problems
            continue
        merge.gather(document, file)
    for extension in merge.extensions:
        merge.extend(extension)
    model = AuthorizationModel(schema, tuple(merge.types.values()), tuple(merge.conditions.values()))
    problems = merge.problems + find_bad_names(model) if merge.problems else find_problems(model, bounds)
    if problems:
        raise ModelError(sorted(problems, key=lambda each: (each.span.file, each.span.line, each.span.column)))
    return model


class _Merge:
    """What the modules say together, and what is wrong with it."""

    def __init__(self) -> None:
        self.types: dict[str, TypeDefinition] = {}
        self.extensions: list[TypeDefinition] = []
        self.conditions: dict[str, ConditionDefinition] = {}
        self.problems: list[Problem] = []

    def gather(self, document: Document, file: str) -> None:
        """Take in the types and conditions of one file."""
        if not document.module:
            remedy = "begin it with `module NAME`, or leave it out of fga.mod"
            self._complain("file is not a module", Span(1, 1, 1, file), remedy, file)
            return
        origin = {"module": document.module, "file": file}
        for each in document.types:
            if each.name in self.types:
                self._complain(f"duplicate type definition {each.name}", each.span, _RENAME, each.name)
            else:
                self.types[each.name] = msgspec.structs.replace(each, **origin)
        self.extensions += [msgspec.structs.replace(each, **origin) for each in document.extensions]
        for condition in document.conditions:
            if condition.name in self.conditions:
                self._complain(f"duplicate condition {condition.name}", condition.span, _RENAME, condition.name)
            else:
                self.conditions[condition.name] = msgspec.structs.replace(condition, **origin)

    def extend(self, extension: TypeDefinition) -> None:
        """Add the relations of an `extend type`."""
        extended = self.types.get(extension.name)
        if extended is None:
            remedy = f"define it in one of the modules: `type {extension.name}`"
            self._complain(f"extended type {extension.name} does not exist", extension.span, remedy, extension.name)
            return
        relations = {relation.name: relation for relation in extended.relations}
        for relation in extension.relations:
            if relation.name in relations:
                message = f"relation {relation.name} already exists on type {extension.name}"
                self._complain(message, relation.span, _RENAME, relation.name)
            else:
                origin = {"module": extension.module, "file": extension.file}
                relations[relation.name] = msgspec.structs.replace(relation, **origin)
        self.types[extension.name] = msgspec.structs.replace(extended, relations=tuple(relations.values()))

    def _complain(self, message: str, span: Span, remedy: str, symbol: str) -> None:
        self.problems.append(Problem(message, span, "module", remedy, symbol))
