"""Tuples as people type them: one a line, `order:17#viewer@user:alice`, perhaps with a condition and an expiry.

Shape: `OBJECT#RELATION@USER [with CONDITION [JSON]] [until TIME]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from keystead.authz.errors import InvalidRelationship
from keystead.authz.moments import moment, read_moment
from keystead.authz.names import context_text, relationship
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship

MOST_LINES: Final = 100
_LINE: Final = re.compile(
    r"(?P<tuple>\S+)(?:\s+with\s+(?P<condition>[^\s{]+)\s*(?P<context>\{.*\})?)?(?:\s+until\s+(?P<until>.+))?"
)


def read_tuples(text: str) -> tuple[Relationship, ...]:
    """Return the tuples of a text. Raises: InvalidRelationship naming the line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        raise InvalidRelationship(f"there are {len(lines)} lines: {MOST_LINES} are the most")
    return tuple(_tuples(lines))


def tuple_line(tuple: Relationship) -> str:
    """Write a tuple as a line."""
    line = f"{tuple.object}#{tuple.relation}@{tuple.user}"
    if tuple.condition:
        line += f" with {tuple.condition}{f' {tuple.context}' if tuple.context else ''}"
    return f"{line} until {moment(tuple.expires_at)}" if tuple.expires_at else line


def _tuples(lines: list[str]) -> Iterator[Relationship]:
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise InvalidRelationship(f"line {number}: {line[:80]!r} is not a tuple: write order:17#owner@user:alice")
        try:
            read = relationship(match["tuple"])
            until = EpochSeconds(read_moment(match["until"]) if match["until"] else 0)
            context = canonical_context(match["context"] or "")
        except (InvalidRelationship, ValueError) as error:
            raise InvalidRelationship(f"line {number}: {error}") from error
        yield Relationship(read.object, read.relation, read.user, match["condition"] or "", context, until)


def canonical_context(text: str) -> str:
    """Return the context of a tuple as it is kept: canonical JSON of an object, empty for none. Raises: ValueError."""
    return context_text(read_context(text))


def read_context(text: str) -> dict[str, object]:
    """Read parameters of conditions: a JSON object, or nothing. Raises: ValueError."""
    if not text.strip():
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ValueError(f"the context is not a JSON object: {error}") from None
