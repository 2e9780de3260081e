"""A model as text in the modelling language, for people: what came as JSON can be read, and a file can be set in order.

Does not: keep comments or the layout of a text it was read from. Read again, the text gives the same model, save that
`this` of OpenFGA's JSON moves to the front of an `or` or `and`, where alone the language allows it.
"""

from __future__ import annotations

from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    ConditionDefinition,
    Direct,
    Exclusion,
    FromParent,
    Parameter,
    Rewrite,
    TypeDefinition,
    Union,
    children,
)


def to_text(model: AuthorizationModel) -> str:
    """Write a model, with one blank line between its parts and a line break at the end."""
    parts = [f"model\n  schema {model.schema}"]
    parts += [_type(definition) for definition in model.types]
    parts += [_condition(condition) for condition in model.conditions]
    return "\n\n".join(parts) + "\n"


def rewrite_text(rewrite: Rewrite) -> str:
    """Write the right-hand side of a `define`."""
    if isinstance(rewrite, Direct):
        return f"[{', '.join(str(who) for who in rewrite.restrictions)}]"
    if isinstance(rewrite, Computed):
        return rewrite.relation
    if isinstance(rewrite, FromParent):
        return f"{rewrite.relation} from {rewrite.tupleset}"
    if isinstance(rewrite, Exclusion):
        return f"{_operand(rewrite.base)} but not {_operand(rewrite.subtract)}"
    word = " or " if isinstance(rewrite, Union) else " and "
    parts = sorted(children(rewrite), key=lambda part: not _begins_with_restrictions(part))
    return word.join(_operand(part) for part in parts)


def _operand(rewrite: Rewrite) -> str:
    inner = children(rewrite)
    if len(inner) == 1:
        return _operand(inner[0])
    return f"({rewrite_text(rewrite)})" if inner else rewrite_text(rewrite)


def _begins_with_restrictions(rewrite: Rewrite) -> bool:
    if isinstance(rewrite, Exclusion):
        return _begins_with_restrictions(rewrite.base)
    return isinstance(rewrite, Direct) or any(_begins_with_restrictions(part) for part in children(rewrite))


def _type(definition: TypeDefinition) -> str:
    lines = [f"type {definition.name}"]
    if definition.relations:
        lines.append("  relations")
        lines += [f"    define {each.name}: {rewrite_text(each.rewrite)}" for each in definition.relations]
    return "\n".join(lines)


def _condition(condition: ConditionDefinition) -> str:
    parameters = ", ".join(f"{each.name}: {_parameter(each)}" for each in condition.parameters)
    return f"condition {condition.name}({parameters}) {{\n  {condition.expression.strip()}\n}}"


def _parameter(parameter: Parameter) -> str:
    return f"{parameter.type}<{parameter.generic}>" if parameter.generic else parameter.type
