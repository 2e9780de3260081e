"""How every backend turns a record into bytes and back, and what it can be looked up by.

Does not: know a kind. A new field, index or kind changes nothing here.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import msgspec

from keystead.core.records.record import Record

R = TypeVar("R", bound=Record)

_encoder = msgspec.json.Encoder()
_decoders: dict[type[Record], msgspec.json.Decoder[Any]] = {}


class Entry(NamedTuple):
    """One value under which a record is found. `unique` as a number, since SQL has no booleans here."""

    name: str
    value: str
    unique: int


def encode(record: Record) -> bytes:
    """Return the record as JSON."""
    return _encoder.encode(record)


def decode(kind: type[R], document: bytes) -> R:
    """Return the record that `encode` wrote. Unknown fields, from a newer release, are left out."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    record: R = decoder.decode(document)
    return record


def entries(record: Record) -> list[Entry]:
    """Return what the record is found by: one entry per value, empty texts left out, repeated values once."""
    kind = type(record)
    if not kind.indexes and not kind.unique_indexes:
        return []
    found: dict[Entry, None] = {}
    for names, unique in ((kind.unique_indexes, 1), (kind.indexes, 0)):
        for name in names:
            value: str | tuple[str, ...] = getattr(record, name)
            for text in (value,) if isinstance(value, str) else value:
                if text:
                    found[Entry(name, require_text(text), unique)] = None
    return list(found)


def require_index(kind: type[Record], name: str) -> None:
    """Refuse a look-up by a field that is not indexed.

    Raises: ValueError, a mistake of the programmer.
    """
    if name not in kind.indexes and name not in kind.unique_indexes:
        raise ValueError(f"{kind.__name__} has no index {name!r}; declare it in `indexes` of {kind.__name__}")


def require_text(text: str) -> str:
    """Refuse a text that not every database can hold as it is: with NUL, or with half a surrogate pair.

    Raises: ValueError.
    """
    if "\0" in text:
        raise ValueError("a stored text must not contain NUL")
    if not text.isascii():
        text.encode()
    return text
