"""Typed settings out of plain values; what does not fit is refused with its line and, for a key, the nearest one."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from keystead.app.settings.document import Document, Place
from keystead.app.settings.references import read_secret
from keystead.core.errors import ConfigurationError
from keystead.core.values import Secret

T = TypeVar("T")

_AT: Final = re.compile(r"^(?P<problem>.*?)(?: - at `(?P<at>[^`]*)`)?$", re.DOTALL)
_STEP: Final = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<key>.*)`", re.DOTALL)


def decode(document: Document, value: Any, place: Place, shape: type[T]) -> T:
    """Return `value`, which stands at `place`, as `shape`. Raises: ConfigurationError with the line."""

    def secrets(kind: type, raw: Any) -> Any:
        if kind is not Secret:
            raise NotImplementedError(kind)
        if not isinstance(raw, str):
            raise TypeError("Expected `str`: put quotes around a secret that looks like a number")
        try:
            return Secret(read_secret(raw, document.path.parent))
        except ConfigurationError as error:
            raise ValueError(str(error)) from error  # so that msgspec says where

    try:
        return msgspec.convert(value, shape, dec_hook=secrets)
    except msgspec.ValidationError as error:
        raise _explained(document, place, shape, str(error)) from None


def _explained(document: Document, place: Place, shape: type, message: str) -> ConfigurationError:
    match = _AT.match(message)
    problem, steps = (match["problem"], _steps(match["at"] or "")) if match else (message, ())
    unknown = _UNKNOWN.fullmatch(problem)
    if unknown is None:
        return document.error((*place, *steps), f"{_name(place, steps)}: {problem}")
    key = unknown["key"]
    return document.error((*place, *steps, key), f"unknown key `{key}`{_suggestion(key, _struct_at(shape, steps))}")


def _steps(at: str) -> Place:
    return tuple(name or (int(index) if index.isdigit() else index) for name, index in _STEP.findall(at))


def _name(place: Place, steps: Place) -> str:
    return ".".join(str(step) for step in (*place, *steps)) or "the file"


def _suggestion(key: str, shape: Any) -> str:
    if shape is None:
        return ""
    known = [field.encode_name for field in msgspec.structs.fields(shape)]
    near = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean `{near[0]}`?" if near else f"; known here: {', '.join(sorted(known))}"


def _struct_at(shape: Any, steps: Place) -> Any:
    """Return the struct type that stands at the end of the steps, or None."""
    for step in steps:
        shape = _struct_of(shape)
        if isinstance(step, str) and shape is not None and step != "...":
            names = {field.encode_name: field.name for field in msgspec.structs.fields(shape)}
            shape = get_type_hints(shape).get(names.get(step, step))
    return _struct_of(shape)


def _struct_of(shape: Any) -> Any:
    """Return the struct inside an optional, a tuple or a dictionary type."""
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        return shape
    if get_origin(shape) in (Union, UnionType, tuple, dict, list):
        inner = (_struct_of(argument) for argument in get_args(shape))
        return next((found for found in inner if found is not None), None)
    return None


def relative_to(document: Document, name: str) -> Path:
    """Return the path a name in the file stands for: relative ones start beside the file."""
    return document.path.parent / name
