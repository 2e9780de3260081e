"""Read a pattern.

Spec: RE2 syntax, as Go's `regexp` reads it. Bounds: 1,000 characters, 60 groups deep, repetitions to 1,000.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.authz.conditions.patterns.classes import LAST, CharacterSet, Range
from keystead.authz.conditions.patterns.escapes import Escapes, Reader
from keystead.authz.conditions.values import Failure

MAX_LENGTH: Final = 1_000
MAX_DEPTH: Final = 60
MAX_REPEAT: Final = 1_000


class One(msgspec.Struct, frozen=True):
    """One character of a set."""

    set: CharacterSet


class Demand(msgspec.Struct, frozen=True):
    """A place: `text_begin`, `text_end`, `line_begin`, `line_end`, `boundary` or `no_boundary`."""

    place: str


class Series(msgspec.Struct, frozen=True):
    """One after another."""

    parts: tuple[Pattern, ...]


class Either(msgspec.Struct, frozen=True):
    """`a|b`."""

    ways: tuple[Pattern, ...]


class Repeat(msgspec.Struct, frozen=True):
    """`a{least,most}`, without end when `most` is -1."""

    part: Pattern
    least: int
    most: int


Pattern = One | Demand | Series | Either | Repeat
_NOT_NEWLINE: Final = CharacterSet(((0, 9), (11, LAST)))
_ANYTHING: Final = CharacterSet(((0, LAST),))


def parse(text: str) -> Pattern:
    """Read a pattern. Raises: Failure saying what is wrong with it."""
    if len(text) > MAX_LENGTH:
        raise Failure(f"the pattern is longer than {MAX_LENGTH:,} characters")
    parser = _Parser(text)
    pattern = parser.either("", 0)
    if not parser.reader.done:
        raise parser.reader.wrong("nothing opens this `)`")
    return pattern


class _Parser:
    def __init__(self, text: str) -> None:
        self.reader = Reader(text)
        self._escapes = Escapes(self.reader)

    def either(self, flags: str, depth: int) -> Pattern:
        """Read up to the end or to a `)`."""
        if depth > MAX_DEPTH:
            raise self.reader.wrong(f"groups nest more than {MAX_DEPTH} deep")
        ways: list[Pattern] = []
        series: list[Pattern] = []
        while not self.reader.done and not self.reader.at(")"):
            if self.reader.take("|"):
                ways.append(Series(tuple(series)))
                series = []
            elif self.reader.at("(?") and self._sets_flags():
                flags = self._flags(flags)
            else:
                series.append(self._repeated(flags, depth))
        ways.append(Series(tuple(series)))
        return Either(tuple(ways)) if len(ways) > 1 else ways[0]

    def _repeated(self, flags: str, depth: int) -> Pattern:
        if self.reader.at("*") or self.reader.at("+") or self.reader.at("?"):
            raise self.reader.wrong("nothing to repeat")
        part = self._part(flags, depth)
        bounds = self._bounds()
        if bounds is None:
            return part
        self.reader.take("?")
        if self._bounds() is not None:
            raise self.reader.wrong("a repetition of a repetition; put it into a group")
        return Repeat(part, *bounds)

    def _bounds(self) -> tuple[int, int] | None:
        for mark, bounds in (("*", (0, -1)), ("+", (1, -1)), ("?", (0, 1))):
            if self.reader.take(mark):
                return bounds
        found = self.reader.match(r"\{([0-9]{1,9})(,?)([0-9]{0,9})\}")
        if found is None or (found[3] and not found[2]):
            return None
        least = int(found[1])
        most = int(found[3]) if found[3] else -1 if found[2] else least
        if least > MAX_REPEAT or most > MAX_REPEAT or 0 <= most < least:
            raise self.reader.wrong(f"repeat at most {MAX_REPEAT:,} times")
        return least, most

    def _part(self, flags: str, depth: int) -> Pattern:
        if self.reader.take("("):
            return self._group(flags, depth)
        if self.reader.take("["):
            return One(self._escapes.bracket(fold="i" in flags))
        if self.reader.take("."):
            return One(_ANYTHING if "s" in flags else _NOT_NEWLINE)
        if self.reader.take("^"):
            return Demand("line_begin" if "m" in flags else "text_begin")
        if self.reader.take("$"):
            return Demand("line_end" if "m" in flags else "text_end")
        if self.reader.take("\\"):
            return self._escape(flags)
        return _characters(self.reader.next(), flags)

    def _group(self, flags: str, depth: int) -> Pattern:
        if self.reader.take("?"):
            named = self.reader.match(r"P?<[A-Za-z0-9_]+>")
            if named is None:
                flags = self._flags(flags)
                if not self.reader.take(":"):
                    raise self.reader.wrong("a group is written (...), (?:...) or (?P<name>...)")
        inner = self.either(flags, depth + 1)
        if not self.reader.take(")"):
            raise self.reader.wrong("nothing closes a `(`")
        return inner

    def _sets_flags(self) -> bool:
        return self.reader.match(r"\(\?(?=[a-zA-Z]*-?[a-zA-Z]*\))") is not None

    def _flags(self, flags: str) -> str:
        """Read `i-s`; a closing parenthesis after it is taken too."""
        found = self.reader.match(r"([a-zA-Z]*)(-?)([a-zA-Z]*)(?=[:)])")
        if found is None or not set(found[1] + found[3]) <= set("imsU") or (found[2] and not found[3]):
            raise self.reader.wrong("flags are of i, m, s and U")
        self.reader.take(")")
        return "".join({*flags, *found[1]} - set(found[3]))

    def _escape(self, flags: str) -> Pattern:
        for mark, place in (("A", "text_begin"), ("z", "text_end"), ("b", "boundary"), ("B", "no_boundary")):
            if self.reader.take(mark):
                return Demand(place)
        if self.reader.take("Q"):
            quoted = self.reader.until("\\E")
            return Series(tuple(_characters(each, flags) for each in quoted))
        return One(self._escapes.escaped(fold="i" in flags))


def _characters(character: str, flags: str) -> One:
    code: Range = (ord(character), ord(character))
    return One(CharacterSet((code,), fold="i" in flags))
