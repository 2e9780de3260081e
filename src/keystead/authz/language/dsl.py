"""A model as text in the modelling language.

What the text cannot say is refused: `this` that does not stand first. A modular model is written in one piece, its
types, added relations and conditions in order of module, file and name, as OpenFGA does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keystead.authz.errors import NOWHERE, ModelError, Problem
from keystead.authz.language.tokens import KEYWORDS, fits_braces, is_word
from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    ConditionDefinition,
    Direct,
    Exclusion,
    FromParent,
    Intersection,
    RelationDefinition,
    Rewrite,
    TypeDefinition,
    Union,
    leaves,
)


def to_dsl(model: AuthorizationModel, *, sources: bool = False) -> str:
    """Write a model; with `sources`, comments say which module and file each part comes from. Raises: ModelError."""
    require_one_module_a_file(model)
    require_words(model)
    modular = any(definition.module for definition in model.types)
    types = sorted(model.types, key=_order) if modular else model.types
    conditions = sorted(model.conditions, key=_order) if modular else model.conditions
    parts = [
        f"model\n  schema {model.schema}\n",
        *(_type(definition, modular=modular, sources=sources) for definition in types),
        *(_condition(condition, sources=sources) for condition in conditions),
    ]
    return "\n".join(parts)


def require_one_module_a_file(model: AuthorizationModel) -> None:
    """Refuse a model in which one file holds several modules. Raises: ModelError."""
    modules: dict[str, dict[str, None]] = {}
    parts: list[TypeDefinition | RelationDefinition | ConditionDefinition] = []
    for definition in model.types:
        parts += [definition, *definition.relations]
    for part in [*parts, *model.conditions]:
        if part.file and part.module:
            modules.setdefault(part.file, {})[part.module] = None
    problems = [
        Problem(
            f"file {file} would contain multiple module definitions ({', '.join(names)}) when transforming to DSL. "
            "Only one module can be defined per file.",
            NOWHERE,
            "multiple-modules-in-file",
            "give each module files of its own",
            file,
        )
        for file, names in modules.items()
        if len(names) > 1
    ]
    if problems:
        raise ModelError(problems)


def require_words(model: AuthorizationModel) -> None:
    """Refuse names and expressions that JSON may have and the language cannot write. Raises: ModelError."""
    names: dict[str, None] = {}
    for definition in model.types:
        names[definition.name] = None
        for relation in definition.relations:
            names |= {relation.name: None}
            for leaf in leaves(relation.rewrite):
                names |= dict.fromkeys(_names_in(leaf))
    problems = [
        Problem(
            f"the name '{name[:60]}' is not supported by the OpenFGA DSL syntax.",
            NOWHERE,
            "unsupported-dsl-name",
            "rename it, or keep the model in JSON",
            name,
        )
        for name in names
        if not is_word(name) or name in KEYWORDS
    ]
    problems += [
        Problem(
            f"the expression of '{condition.name}' is not supported by the OpenFGA DSL syntax.",
            condition.span,
            "unsupported-dsl-expression",
            "close its braces and strings, and write `\\x23` for a `#` after a space; or keep the model in JSON",
            condition.name,
        )
        for condition in model.conditions
        if not fits_braces(condition.expression)
    ]
    if problems:
        raise ModelError(problems)


def _names_in(leaf: Direct | Computed | FromParent) -> Iterator[str]:
    if isinstance(leaf, Direct):
        for restriction in leaf.restrictions:
            yield from (each for each in (restriction.type, restriction.relation, restriction.condition) if each)
    else:
        yield leaf.relation
        if isinstance(leaf, FromParent):
            yield leaf.tupleset


def _order(part: TypeDefinition | RelationDefinition | ConditionDefinition) -> tuple[str, str, str]:
    return part.module, part.file if part.module else "", part.name


def _type(definition: TypeDefinition, *, modular: bool, sources: bool) -> str:
    lines = [f"type {definition.name}{_source(definition, '', sources=sources)}"]
    relations: Sequence[RelationDefinition] = definition.relations
    if relations:
        lines.append("  relations")
        relations = sorted(relations, key=_order) if modular else relations
    for relation in relations:
        text = _rewrite(definition.name, relation)
        lines.append(f"    define {relation.name}: {text}{_source(relation, ' extended by:', sources=sources)}")
    return "\n".join([*lines, ""])


def _condition(condition: ConditionDefinition, *, sources: bool) -> str:
    parameters = ", ".join(f"{parameter.name}: {parameter}" for parameter in condition.parameters)
    source = _source(condition, "", sources=sources)
    return f"condition {condition.name}({parameters}) {{\n  {condition.expression.strip()}\n}}{source}\n"


def _source(part: TypeDefinition | RelationDefinition | ConditionDefinition, prefix: str, *, sources: bool) -> str:
    if not sources or not (part.module or part.file):
        return ""
    return f" #{prefix} module: {part.module}, file: {part.file}"


def _rewrite(type: str, relation: RelationDefinition) -> str:
    writer = _Writer()
    text = writer.write(relation.rewrite, first=True)
    if not writer.possible:
        message = (
            f"the '{relation.name}' relation definition under the '{type}' type is not supported by the OpenFGA DSL "
            "syntax yet"
        )
        remedy = "let `this` stand once and first, or keep the model in JSON"
        raise ModelError([Problem(message, relation.span, "unsupported-dsl-nesting", remedy, relation.name)])
    return text


class _Writer:
    """Writes a rewrite, and finds out whether the language has words for it."""

    def __init__(self) -> None:
        self.possible = True
        self._direct = False

    def write(self, rewrite: Rewrite, *, first: bool, outermost: bool = True) -> str:
        """Write a part. `first`: nothing stands to its left."""
        text = ""
        match rewrite:
            case Direct(restrictions):
                self.possible = self.possible and first and not self._direct
                self._direct = True
                return f"[{', '.join(map(str, restrictions))}]"
            case Computed(relation):
                return relation
            case FromParent(relation, tupleset):
                return f"{relation} from {tupleset}"
            case Exclusion(base, subtract):
                text = f"{self._part(base, first=first)} but not {self._part(subtract, first=False)}"
            case Union(children) | Intersection(children):
                ordered = sorted(children, key=lambda child: not isinstance(child, Direct))
                parts = [self._part(child, first=first and not number) for number, child in enumerate(ordered)]
                text = (" or " if isinstance(rewrite, Union) else " and ").join(parts)
        return text if outermost else f"({text})"

    def _part(self, rewrite: Rewrite, *, first: bool) -> str:
        return self.write(rewrite, first=first, outermost=False)
