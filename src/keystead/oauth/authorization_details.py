"""Rich authorization requests: what exactly a client may do, in typed objects instead of words.

Flow: `read_details` holds a request against the realm's types -> a person allows them -> the grant keeps them -> every
token carries those that are still open (`still_open`), fewer where the request narrows them (`narrowed`), and only
those that concern the token's audiences (`concerning`).
Shape: a detail is within another when it is of the same type, says the same, and its `actions`, `datatypes`,
`privileges` and `locations` are among the other's.
Does not: understand amounts. "At most 50" is not within "at most 100" here: whoever wants less asks for it anew.
Spec: RFC 9396 sections 2, 3, 5, 6, 7 and 9.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from keystead.core.records.client import Client
from keystead.core.records.detail_type import DetailField, DetailType
from keystead.core.records.realm import Realm
from keystead.core.request_errors import InvalidAuthorizationDetails
from keystead.core.strict_json import NotStrictJson, parse

Detail = dict[str, Any]
Details = tuple[Detail, ...]

_MAXIMUM_BYTES: Final = 8_192
_MAXIMUM_DETAILS: Final = 16
_LISTS: Final = ("locations", "actions", "datatypes", "privileges")
_MAXIMUM_TEXT: Final = 2_048
_MAXIMUM_ITEMS: Final = 64


def read_details(text: str, realm: Realm, client: Client) -> Details:
    """Return the details a client asks for, each of a type that is open to it and whole.

    Raises: InvalidAuthorizationDetails, which names the field.
    """
    details = _parsed(text)
    for detail in details:
        kind = realm.authorization_details_types.get(detail["type"])
        if kind is None or detail["type"] not in client.authorization_details_types:
            raise _refused(f"the type {_quoted(detail['type'])} is not open to this client", "type")
        _require_whole(detail, kind)
    return details


def narrowed(text: str, granted: Details) -> Details:
    """Return the details a token request asks for, each within what was granted; without any, all that was granted.

    Raises: InvalidAuthorizationDetails. Spec: RFC 9396 section 6.
    """
    if not text:
        return granted
    asked = _parsed(text)
    for detail in asked:
        if not any(is_within(detail, one) for one in granted):
            raise _refused("what is asked for is not within what was granted", "not_granted")
    return asked


def is_within(asked: Mapping[str, Any], granted: Mapping[str, Any]) -> bool:
    """Return whether one detail allows nothing that the other does not."""
    if asked.keys() != granted.keys():
        return False
    return all(
        _is_part(value, granted[name]) if name in _LISTS else _is_same(value, granted[name])
        for name, value in asked.items()
    )


def still_open(details: Details, realm: Realm, client: Client) -> Details:
    """Return those details whose type the realm still has and the client may still ask for."""
    types = client.authorization_details_types
    return tuple(detail for detail in still_known(details, realm) if detail["type"] in types)


def still_known(details: Details, realm: Realm) -> Details:
    """Return those details whose type the realm still has."""
    return tuple(detail for detail in details if detail["type"] in realm.authorization_details_types)


def locations_of(details: Iterable[Detail], realm: Realm) -> tuple[str, ...]:
    """Return where the details are of use, each location once."""
    found = (place for detail in details for place in _locations(detail, realm))
    return tuple(dict.fromkeys(found))


def concerning(details: Details, audiences: Collection[str], realm: Realm) -> Details:
    """Return those details that concern one of the audiences; one without a location concerns everybody.

    Spec: RFC 9396 section 9: a resource server learns only what is meant for it.
    """
    return tuple(
        detail
        for detail in details
        if not (places := _locations(detail, realm)) or not set(places).isdisjoint(audiences)
    )


def remembered(details: Details, allowed: Details, realm: Realm) -> bool:
    """Return whether an earlier consent answers for all of these."""
    for detail in details:
        kind = realm.authorization_details_types.get(detail["type"])
        if kind is None or not kind.remember or not any(is_within(detail, one) for one in allowed):
            return False
    return True


def _locations(detail: Detail, realm: Realm) -> tuple[str, ...]:
    own = detail.get("locations")
    if own:
        return tuple(own)
    kind = realm.authorization_details_types.get(detail["type"])
    return kind.locations if kind is not None else ()


def _parsed(text: str) -> Details:
    try:
        value = parse(text.encode(), maximum_bytes=_MAXIMUM_BYTES, maximum_depth=8)
    except NotStrictJson as error:
        raise _refused(f"not one JSON array: {error}", "malformed") from None
    if not isinstance(value, list) or not 0 < len(value) <= _MAXIMUM_DETAILS:
        raise _refused(f"not an array of 1 to {_MAXIMUM_DETAILS} objects", "malformed")
    for detail in value:
        if not isinstance(detail, dict) or not isinstance(detail.get("type"), str):
            raise _refused("each one is an object with a type", "malformed")
    return tuple(value)


def _require_whole(detail: Detail, kind: DetailType) -> None:
    allowed: dict[str, tuple[str, ...]] = {name: getattr(kind, name) for name in _LISTS}
    own = {name: value for name, value in detail.items() if name != "type" and name not in _LISTS}
    for name in _LISTS:
        if name in detail:
            _require_among(name, detail[name], allowed[name])
    _require_fields(own, kind.fields, "")


def _require_among(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise _refused(f"{name} is a list of texts", "malformed")
    if not set(value) <= set(allowed):
        raise _refused(f"{name} may only be of {', '.join(allowed) or 'nothing'}", "value")


def _require_fields(members: Mapping[str, Any], fields: Mapping[str, DetailField], place: str) -> None:
    for name in members:
        if name not in fields:
            raise _refused(f"there is no field {_quoted(place + name)}", "field")
    for name, rule in fields.items():
        if name in members:
            _require_value(members[name], rule, place + name)
        elif rule.required:
            raise _refused(f"the field {_quoted(place + name)} is missing", "field")


def _require_value(value: Any, rule: DetailField, place: str) -> None:
    if not _is_of(value, rule.type):
        raise _refused(f"{_quoted(place)} is not of the type {rule.type}", "value")
    if rule.enum and not any(_is_same(value, one) for one in rule.enum):
        raise _refused(f"{_quoted(place)} is none of the values it may have", "value")
    size = value if rule.type in ("integer", "number") else len(value) if rule.type in ("string", "array") else None
    bound = (
        rule.maximum if rule.maximum is not None else {"string": _MAXIMUM_TEXT, "array": _MAXIMUM_ITEMS}.get(rule.type)
    )
    if size is not None and (
        (bound is not None and size > bound) or (rule.minimum is not None and size < rule.minimum)
    ):
        raise _refused(f"{_quoted(place)} is out of bounds", "value")
    if rule.type == "array" and rule.items is not None:
        for item in value:
            _require_value(item, rule.items, f"{place}[]")
    if rule.type == "object":
        _require_fields(value, rule.fields, f"{place}.")


def _is_of(value: object, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str) and value.isprintable()
    if kind == "boolean":
        return type(value) is bool
    if kind == "integer":
        return type(value) is int
    if kind == "number":
        return type(value) in (int, float)
    return isinstance(value, list if kind == "array" else dict)


def _is_part(asked: object, granted: object) -> bool:
    if not isinstance(asked, list) or not isinstance(granted, list) or not asked:
        return False
    return all(isinstance(one, str) and one in granted for one in asked)


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are the same; 1 and true are not."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other)


def _quoted(name: str) -> str:
    return repr(name[:60])


def _refused(why: str, reason: str) -> InvalidAuthorizationDetails:
    return InvalidAuthorizationDetails(f"authorization_details: {why}.", reason=f"authorization_details.{reason}")
