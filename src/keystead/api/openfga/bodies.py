"""Request bodies: JSON as protocol buffers read it, into typed structs.

Shape: unknown members are ignored, `null` is as good as absent, an empty body is an empty message.
Does not: guess. A member of another type than its field's is an error, and so are trailing bytes.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from keystead.api.openfga.faults import VALIDATION, ApiFault

T = TypeVar("T")
_DEEPEST = 100


class Body(Generic[T]):
    """Reads one kind of body. Make one per kind, at import."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decode = msgspec.json.Decoder(kind).decode

    def read(self, body: bytes) -> T:
        """Return the message. Raises: ApiFault."""
        try:
            return self._decode(body or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            return self._read_slowly(body, problem)

    def _read_slowly(self, body: bytes, problem: Exception) -> T:
        """Read a body with `null` in it, which is rare."""
        try:
            return msgspec.convert(without_nulls(msgspec.json.decode(body)), self._kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as worse:
            raise ApiFault(VALIDATION, f"the body is not what this endpoint takes: {worse}") from problem
        except RecursionError as deep:
            raise ApiFault(VALIDATION, "the body is nested too deep") from deep


def without_nulls(value: Any, depth: int = 0) -> Any:
    """Return JSON without members that are null, save inside a `context`, where null is a value."""
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, dict):
        return {
            name: each if name == "context" else without_nulls(each, depth + 1)
            for name, each in value.items()
            if each is not None
        }
    if isinstance(value, list):
        return [without_nulls(each, depth + 1) for each in value]
    return value
