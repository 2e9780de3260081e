"""Models as OpenFGA's JSON on their way into and out of a catalogue.

Shape: `{"schema_version", "type_definitions": [{"type", "relations", "metadata"}], "conditions"}`.
Does not: judge the model; `keystead.authz.language` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from keystead.authz.errors import NOWHERE, ModelError, Problem
from keystead.authz.language.checks import check_model
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

Json = Mapping[str, Any]
_KNOWN = ("schema_version", "type_definitions", "conditions")


def read_document(document: bytes) -> AuthorizationModel:
    """Read and check a model. Raises: ModelError."""
    try:
        model = _model(msgspec.json.decode(document))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelError([Problem(f"the model cannot be read: {error}", NOWHERE, "invalid-json")]) from error
    check_model(model)
    return model


def write_document(document: bytes) -> str:
    """Return the part of a request that is the model, as it is kept and given out."""
    sent: dict[str, Any] = msgspec.json.decode(document)
    return msgspec.json.encode({name: sent[name] for name in _KNOWN if sent.get(name)}).decode()


def _model(sent: Json) -> AuthorizationModel:
    conditions = sent.get("conditions") or {}
    return AuthorizationModel(
        str(sent.get("schema_version") or "1.1"),
        tuple(_type(each) for each in sent["type_definitions"]),
        tuple(_condition(name, each) for name, each in conditions.items()),
    )


def _type(sent: Json) -> TypeDefinition:
    metadata = (sent.get("metadata") or {}).get("relations") or {}
    relations = []
    for name, rewrite in (sent.get("relations") or {}).items():
        restrictions = (metadata.get(name) or {}).get("directly_related_user_types") or ()
        relations.append(
            RelationDefinition(name, _rewrite(rewrite, tuple(_restriction(each) for each in restrictions)))
        )
    return TypeDefinition(sent["type"], tuple(relations))


def _restriction(sent: Json) -> Restriction:
    wildcard = sent.get("wildcard") is not None
    return Restriction(sent["type"], sent.get("relation") or "", wildcard, sent.get("condition") or "")


def _rewrite(sent: Json, restrictions: tuple[Restriction, ...]) -> Rewrite:
    ((how, what),) = ((name, value) for name, value in sent.items() if value is not None)
    match how:
        case "this":
            return Direct(restrictions)
        case "computedUserset":
            return Computed(what["relation"])
        case "tupleToUserset":
            return FromParent(what["computedUserset"]["relation"], what["tupleset"]["relation"])
        case "union" | "intersection":
            parts = tuple(_rewrite(child, restrictions) for child in what["child"])
            return Union(parts) if how == "union" else Intersection(parts)
        case "difference":
            return Exclusion(_rewrite(what["base"], restrictions), _rewrite(what["subtract"], restrictions))
    raise ValueError(f"{how} is no rewrite")


def _condition(name: str, sent: Json) -> ConditionDefinition:
    parameters = tuple(_parameter(each, type) for each, type in (sent.get("parameters") or {}).items())
    return ConditionDefinition(name, parameters, sent["expression"])


def _parameter(name: str, sent: Json) -> Parameter:
    generic = [each["type_name"] for each in sent.get("generic_types") or ()]
    return Parameter(name, _type_name(sent["type_name"]), _type_name(generic[0]) if generic else "")


def _type_name(sent: str) -> str:
    return sent.removeprefix("TYPE_NAME_").lower()
