"""What a model in JSON must look like before anybody asks what it means.

Spec: the validate rules of openfga/v1/authzmodel.proto; openfga `pkg/server/commands/write_authzmodel.go`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.api.openfga import rules
from keystead.api.openfga.bodies import Body
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.service import Limits

_SCHEMAS: Final = ("1.0", "1.1", "1.2")
_MOST_CONDITIONS: Final = 25
_LONGEST_EXPRESSION: Final = 512
_DEEPEST: Final = 40
Json = dict[str, Any]


class _TypeDefinition(msgspec.Struct, frozen=True):
    type: str = ""
    relations: dict[str, Json] = {}
    metadata: Json = {}


class _Condition(msgspec.Struct, frozen=True):
    name: str = ""
    expression: str = ""
    parameters: dict[str, Json] = {}


class _Model(msgspec.Struct, frozen=True):
    schema_version: str = ""
    type_definitions: tuple[_TypeDefinition, ...] = ()
    conditions: dict[str, _Condition] = {}


_body: Final = Body(_Model)


def require_model(body: bytes, limits: Limits) -> None:
    """Refuse what is no model, or too large a one. Raises: ApiFault."""
    model = _body.read(body)
    rules.require_at_least_one(
        "WriteAuthorizationModelRequest.TypeDefinitions", len(model.type_definitions), "type_definitions_too_few_items"
    )
    for definition in model.type_definitions:
        _require_type(definition)
    if model.schema_version not in _SCHEMAS:
        raise ApiFault(
            VALIDATION,
            "invalid WriteAuthorizationModelRequest.SchemaVersion: value must be in list [1.0 1.1 1.2]",
        )
    _require_conditions(model)
    if len(model.type_definitions) > limits.types_per_model:
        most = limits.types_per_model
        raise _exceeded(f"The number of type definitions in an authorization model exceeds the allowed limit of {most}")
    size = len(msgspec.json.encode(model))
    if size > limits.model_bytes:
        raise _exceeded(f"model exceeds size limit: {size} bytes vs {limits.model_bytes} bytes")
    if model.schema_version == "1.0":
        raise ApiFault("invalid_authorization_model", "invalid schema version")


def _require_type(definition: _TypeDefinition) -> None:
    rules.require(rules.TYPE, "TypeDefinition.Type", definition.type)
    for name, rewrite in definition.relations.items():
        if rules.RELATION.matches.fullmatch(name) is None:
            shown = rules.RELATION.shown
            raise ApiFault(
                "relations_invalid_pattern",
                f'invalid TypeDefinition.Relations[{name[:60]}]: value does not match regex pattern "{shown}"',
            )
        _require_rewrite(rewrite, 0)


def _require_rewrite(rewrite: Any, depth: int) -> None:
    """Refuse an exclusion without its halves, and a tree too deep to walk. What else is wrong, the language says."""
    if not isinstance(rewrite, dict):
        raise ApiFault(VALIDATION, "invalid TypeDefinition.Relations: a rewrite is an object")
    if depth > _DEEPEST:
        raise ApiFault("invalid_authorization_model", "a rewrite is nested too deep")
    difference = rewrite.get("difference")
    if isinstance(difference, dict):
        for half in ("base", "subtract"):
            if difference.get(half) is None:
                raise rules.missing(f"Difference.{half.capitalize()}")
            _require_rewrite(difference[half], depth + 1)
    for operator in ("union", "intersection"):
        several = rewrite.get(operator)
        for child in (several.get("child") or ()) if isinstance(several, dict) else ():
            _require_rewrite(child, depth + 1)


def _require_conditions(model: _Model) -> None:
    rules.require_at_most("WriteAuthorizationModelRequest.Conditions", len(model.conditions), _MOST_CONDITIONS)
    for name, condition in model.conditions.items():
        for text in (name, condition.name or name):
            rules.require(rules.RELATION, "Condition.Name", text)
        rules.require_bytes("Condition.Expression", condition.expression, _LONGEST_EXPRESSION)
        rules.require_at_most("Condition.Parameters", len(condition.parameters), _MOST_CONDITIONS)


def _exceeded(message: str) -> ApiFault:
    return ApiFault("exceeded_entity_limit", message)
