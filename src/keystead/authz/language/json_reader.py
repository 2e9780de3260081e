"""OpenFGA's JSON becomes a model.

Shape: see `json_form`. Names of fields may be written as protobuf's JSON allows, `schema_version` or `schemaVersion`.
Unknown fields are passed over, as OpenFGA does, save in a rewrite or a restriction, where one might have narrowed it.
Depth is bounded, and nothing here has a place in a text: problems carry the name they are about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from keystead.authz.errors import NOWHERE, ModelError, Problem
from keystead.authz.language.bounds import GENEROUS, Bounds, require_length
from keystead.authz.language.conditions import CONTAINER_TYPES, PLAIN_TYPES
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

MAX_DEPTH: Final = 100
_NAME: Final = re.compile(r"[^:#@*\s\x00-\x1f\x7f]+")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_KINDS: Final = frozenset({"this", "computedUserset", "tupleToUserset", "union", "intersection", "difference"})
_TYPE_NAMES: Final = (
    *("unspecified", "any", "bool", "string", "int", "uint", "double"),
    *("duration", "timestamp", "map", "list", "ipaddress"),
)
Json = Mapping[str, Any]


def model_from_json(source: str | bytes | Json, bounds: Bounds = GENEROUS) -> AuthorizationModel:
    """Read a model from JSON text or what a JSON decoder made of it. Raises: ModelError."""
    if isinstance(source, str | bytes):
        require_length(source, bounds)
        try:
            source = msgspec.json.decode(source)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise _wrong(f"not JSON: {error}", "", "syntax", "send one JSON object") from None
    model = _object(source, "the model")
    conditions = _object(_pick(model, "conditions") or {}, "`conditions`")
    return AuthorizationModel(
        _text(_pick(model, "schema_version"), "`schema_version`"),
        tuple(_type(each) for each in _array(_pick(model, "type_definitions"), "`type_definitions`")),
        tuple(_condition(name, each) for name, each in conditions.items()),
    )


def _type(source: object) -> TypeDefinition:
    written = _object(source, "a type definition")
    name = _name(written.get("type"), "the name of a type")
    relations = _object(written.get("relations") or {}, f"`relations` of `{name}`")
    metadata = _object(written.get("metadata") or {}, f"`metadata` of `{name}`")
    about = _object(metadata.get("relations") or {}, f"`metadata.relations` of `{name}`")
    strays = [relation for relation in about if relation not in relations]
    if strays:
        raise _wrong(
            f"type `{name}` has no relation `{strays[0]}`.", strays[0], "syntax", "metadata is about relations"
        )
    made = tuple(_relation(name, relation, each, about.get(relation)) for relation, each in relations.items())
    return TypeDefinition(name, made, NOWHERE, *_origin(metadata))


def _relation(type: str, name: str, source: object, about: object) -> RelationDefinition:
    metadata = _object(about or {}, f"the metadata of `{name}`")
    listed = _array(_pick(metadata, "directly_related_user_types"), f"the restrictions of `{name}`")
    restrictions = tuple(_restriction(name, each) for each in listed)
    found: list[Direct] = []
    rewrite = _rewrite(type, name, source, (restrictions, found), 0)
    if restrictions and not found:
        remedy = "leave `directly_related_user_types` empty, or let the definition contain `this`"
        message = f"`{name}` of type `{type}` takes no tuples, yet says who may stand in them."
        raise _wrong(message, name, "non-assignable-relation", remedy)
    return RelationDefinition(_name(name, f"a relation of `{type}`"), rewrite, NOWHERE, *_origin(metadata))


def _rewrite(
    type: str, relation: str, source: object, direct: tuple[tuple[Restriction, ...], list[Direct]], depth: int
) -> Rewrite:
    place = f"`{relation}` of type `{type}`"
    written = {_camel(key): value for key, value in _object(source, place).items() if value is not None}
    if len(written) != 1 or not written.keys() <= _KINDS or depth > MAX_DEPTH:
        remedy = f"write exactly one of {', '.join(sorted(_KINDS))}, nested at most {MAX_DEPTH} deep"
        raise _wrong(f"the definition of {place} cannot be read.", relation, "syntax", remedy)
    (kind, value), restrictions = next(iter(written.items())), direct[0]
    value = _object(value, place)
    match kind:
        case "this":
            direct[1].append(Direct(restrictions))
            return direct[1][-1]
        case "computedUserset":
            return Computed(_related(value, place))
        case "tupleToUserset":
            tupleset = _related(_object(value.get("tupleset"), place), place)
            return FromParent(_related(_object(_pick(value, "computed_userset"), place), place), tupleset)
        case "difference":
            parts = [_rewrite(type, relation, value.get(each), direct, depth + 1) for each in ("base", "subtract")]
            return Exclusion(*parts)
        case _:
            children = _array(value.get("child"), place)
            if not children:
                raise _wrong(f"{place}: `{kind}` joins nothing.", relation, "syntax", "list its parts in `child`")
            made = tuple(_rewrite(type, relation, child, direct, depth + 1) for child in children)
            return Union(made) if kind == "union" else Intersection(made)


def _restriction(relation: str, source: object) -> Restriction:
    written = _object(source, f"a restriction of `{relation}`")
    unknown = set(written) - {"type", "relation", "wildcard", "condition", "RelationOrWildcard"}
    wildcard, target = written.get("wildcard") is not None, _text(written.get("relation"), "a restriction's relation")
    if unknown or (wildcard and target):
        remedy = "write type, and relation or wildcard: {}, and condition"
        raise _wrong(f"a restriction of `{relation}` cannot be read.", relation, "syntax", remedy)
    name = _name(written.get("type"), f"the type in a restriction of `{relation}`")
    return Restriction(name, target, wildcard, _text(written.get("condition"), "a restriction's condition"))


def _condition(key: str, source: object) -> ConditionDefinition:
    written = _object(source, f"condition `{key}`")
    name = _text(written.get("name"), "the name of a condition")
    if name != key:
        message = f"condition key is `{key}` but nested name property is {name}"
        raise _wrong(message, name, "different-nested-condition-name", "give both the same name")
    if not _IDENTIFIER.fullmatch(name):
        raise _wrong(f"`{name[:60]}` is not a name for a condition.", name, "invalid-name", "use letters, digits, `_`")
    parameters = _object(written.get("parameters") or {}, f"the parameters of `{key}`")
    made = tuple(_parameter(key, each, kind) for each, kind in parameters.items())
    expression = _text(written.get("expression"), f"the expression of `{key}`")
    metadata = _object(written.get("metadata") or {}, f"the metadata of `{key}`")
    return ConditionDefinition(name, made, expression, NOWHERE, NOWHERE, *_origin(metadata))


def _parameter(condition: str, name: str, source: object) -> Parameter:
    if not _IDENTIFIER.fullmatch(name):
        raise _wrong(f"`{name[:60]}` is not a name for a parameter.", name, "invalid-name", "use letters, digits, `_`")
    written = _object(source, f"parameter `{name}` of `{condition}`")
    kind = _kind(_pick(written, "type_name"))
    generics = _array(_pick(written, "generic_types"), f"the generic types of `{name}`")
    held = [_kind(_pick(_object(each, f"a generic type of `{name}`"), "type_name")) for each in generics]
    if kind in PLAIN_TYPES and not held:
        return Parameter(name, kind)
    if kind in CONTAINER_TYPES and len(held) == 1 and held[0] in PLAIN_TYPES:
        return Parameter(name, kind, held[0])
    remedy = "write type_name TYPE_NAME_INT or the like; a list or a map has one plain generic type"
    raise _wrong(f"parameter `{name}` of `{condition}` has no type known here.", name, "invalid-type", remedy)


def _kind(value: object) -> str:
    if isinstance(value, int) and 0 <= value < len(_TYPE_NAMES):
        return _TYPE_NAMES[value]
    return value.removeprefix("TYPE_NAME_").lower() if isinstance(value, str) else ""


def _origin(metadata: Json) -> tuple[str, str]:
    source = _object(_pick(metadata, "source_info") or {}, "`source_info`")
    return _text(metadata.get("module"), "`module`"), _text(source.get("file"), "`file`")


def _related(source: Json, place: str) -> str:
    if _text(source.get("object"), place):
        raise _wrong(f"{place} names an object.", "", "syntax", "a definition holds for all objects of the type")
    return _name(source.get("relation"), f"a relation named by {place}")


def _pick(source: Json, name: str) -> Any:
    """Return a field by its name in either spelling."""
    found = source.get(name)
    return source.get(_camel(name)) if found is None else found


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)


def _object(value: object, what: str) -> Json:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _wrong(f"{what} is not a JSON object.", "", "syntax", "see OpenFGA's JSON form of models")
    return value


def _array(value: object, what: str) -> Iterable[object]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise _wrong(f"{what} is not a JSON array.", "", "syntax", "see OpenFGA's JSON form of models")
    return value


def _text(value: object, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(f"{what} is not a string.", "", "syntax", "see OpenFGA's JSON form of models")
    return value


def _name(value: object, what: str) -> str:
    name = _text(value, what)
    if not _NAME.fullmatch(name):
        raise _wrong(f"{what} is missing or has `:`, `#`, `@`, `*` or space in it.", name, "invalid-name", "rename it")
    return name


def _wrong(message: str, symbol: str, code: str, remedy: str) -> ModelError:
    return ModelError([Problem(message, NOWHERE, code, remedy, symbol)])
