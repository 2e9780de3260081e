"""A model as OpenFGA's JSON, the form its API and tools exchange.

Shape: `{"schema_version", "type_definitions": [{"type", "relations", "metadata"}], "conditions"}`; what is empty is
left out.
"""

from __future__ import annotations

from typing import Any

from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    ConditionDefinition,
    Direct,
    Exclusion,
    FromParent,
    Intersection,
    Parameter,
    RelationDefinition,
    Restriction,
    Rewrite,
    TypeDefinition,
    Union,
)

Json = dict[str, Any]


def to_json(model: AuthorizationModel) -> Json:
    """Write a model, checked or not."""
    written: Json = {
        "schema_version": model.schema,
        "type_definitions": [_type(definition) for definition in model.types],
    }
    if model.conditions:
        written["conditions"] = {condition.name: _condition(condition) for condition in model.conditions}
    return written


def _type(definition: TypeDefinition) -> Json:
    written: Json = {"type": definition.name}
    metadata: Json = {}
    if definition.relations:
        written["relations"] = {relation.name: _rewrite(relation.rewrite) for relation in definition.relations}
        metadata["relations"] = {relation.name: _about(relation) for relation in definition.relations}
    metadata |= _origin(definition)
    if metadata:
        written["metadata"] = metadata
    return written


def _about(relation: RelationDefinition) -> Json:
    restrictions = [_restriction(each) for each in relation.restrictions]
    return {"directly_related_user_types": restrictions, **_origin(relation)}


def _origin(part: TypeDefinition | RelationDefinition | ConditionDefinition) -> Json:
    """Write which module and file something comes from."""
    written: Json = {"module": part.module} if part.module else {}
    if part.file:
        written["source_info"] = {"file": part.file}
    return written


def _restriction(restriction: Restriction) -> Json:
    written: Json = {"type": restriction.type}
    if restriction.relation:
        written["relation"] = restriction.relation
    if restriction.wildcard:
        written["wildcard"] = {}
    if restriction.condition:
        written["condition"] = restriction.condition
    return written


def _rewrite(rewrite: Rewrite) -> Json:
    match rewrite:
        case Direct():
            return {"this": {}}
        case Computed(relation):
            return {"computedUserset": {"relation": relation}}
        case FromParent(relation, tupleset):
            target = {"computedUserset": {"relation": relation}, "tupleset": {"relation": tupleset}}
            return {"tupleToUserset": target}
        case Union(children):
            return {"union": {"child": [_rewrite(child) for child in children]}}
        case Intersection(children):
            return {"intersection": {"child": [_rewrite(child) for child in children]}}
        case Exclusion(base, subtract):
            return {"difference": {"base": _rewrite(base), "subtract": _rewrite(subtract)}}


def _condition(condition: ConditionDefinition) -> Json:
    parameters = {parameter.name: _parameter(parameter) for parameter in condition.parameters}
    written: Json = {"name": condition.name, "expression": condition.expression, "parameters": parameters}
    origin = _origin(condition)
    return {**written, "metadata": origin} if origin else written


def _parameter(parameter: Parameter) -> Json:
    written: Json = {"type_name": f"TYPE_NAME_{parameter.type.upper()}"}
    if parameter.generic:
        written["generic_types"] = [{"type_name": f"TYPE_NAME_{parameter.generic.upper()}"}]
    return written
