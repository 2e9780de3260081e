"""Authorization details in plain words: every field of them, so that nobody allows what they did not see.

Spec: RFC 9396 section 7.1 (the person sees what they consent to).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from keystead.core.records.detail_type import DetailField, DetailType
from keystead.core.records.realm import Realm

_COMMON: Final = {"actions": "To do", "datatypes": "With", "privileges": "As", "locations": "At"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing a detail says."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class DetailWords:
    """One detail: what it is, and all that it says."""

    heading: str
    lines: tuple[Line, ...]


def put_details_into_words(details: tuple[dict[str, Any], ...], realm: Realm) -> tuple[DetailWords, ...]:
    """Return the details as a person reads them, by the labels the operator gave, else by the fields' names."""
    types = realm.authorization_details_types
    return tuple(_in_words(detail, types.get(detail["type"], DetailType())) for detail in details)


def _in_words(detail: Mapping[str, Any], kind: DetailType) -> DetailWords:
    own = {name: value for name, value in detail.items() if name != "type" and name not in _COMMON}
    ordered = {name: own[name] for name in (*kind.fields, *own) if name in own}
    common = (Line(label, ", ".join(detail[name])) for name, label in _COMMON.items() if detail.get(name))
    return DetailWords(kind.description or detail["type"], (*_lines(ordered, kind.fields), *common))


def _lines(members: Mapping[str, Any], fields: Mapping[str, DetailField], above: str = "") -> Iterator[Line]:
    for name, value in members.items():
        rule = fields.get(name, DetailField())
        label = f"{above}{rule.label or name}"
        if isinstance(value, dict):
            yield from _lines(value, rule.fields, f"{label}: ")
        else:
            yield Line(label, _text(value))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items())
    return str(value)
