"""The small print of a pattern: a reader over its text, escapes, and what stands between brackets."""

from __future__ import annotations

import re
from typing import Final

from keystead.authz.conditions.patterns.classes import (
    CATEGORIES,
    LAST,
    PERL,
    POSIX,
    Category,
    CharacterSet,
    Range,
    complement,
)
from keystead.authz.conditions.values import Failure

_PLAIN: Final = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}


class Reader:
    """Where in the pattern we are."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def done(self) -> bool:
        """Whether everything is read."""
        return self._at >= len(self._text)

    def at(self, mark: str) -> bool:
        """Tell whether this comes next."""
        return self._text.startswith(mark, self._at)

    def take(self, mark: str) -> bool:
        """Pass this if it comes next."""
        found = self.at(mark)
        self._at += len(mark) * found
        return found

    def match(self, expression: str) -> re.Match[str] | None:
        """Pass what one of our own expressions, all of them linear, finds next."""
        found = re.compile(expression).match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found

    def next(self) -> str:
        """Pass one character. Raises: Failure at the end."""
        if self.done:
            raise self.wrong("the pattern ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def until(self, mark: str) -> str:
        """Pass everything up to a mark, and the mark; the end will do."""
        found = self._text.find(mark, self._at)
        end = len(self._text) if found < 0 else found
        passed, self._at = self._text[self._at : end], min(len(self._text), end + len(mark))
        return passed

    def wrong(self, what: str) -> Failure:
        """Say what is wrong here."""
        return Failure(f"the pattern {self._text[:60]!r} is wrong at character {self._at + 1}: {what}")


class Escapes:
    """Reads sets of characters."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def escaped(self, *, fold: bool) -> CharacterSet:
        """Read what follows a backslash outside of brackets."""
        named = self._class(fold=fold)
        if named is not None:
            return CharacterSet(named[0], named[1], fold=fold)
        code = self._character()
        return CharacterSet(((code, code),), fold=fold)

    def bracket(self, *, fold: bool) -> CharacterSet:
        """Read what follows a `[`."""
        reader = self._reader
        negated = reader.take("^")
        ranges: list[Range] = []
        categories: list[Category] = []
        first = True
        while first or not reader.at("]"):
            if reader.done:
                raise reader.wrong("nothing closes a `[`")
            first = False
            named = self._named(fold=fold)
            if named is not None:
                ranges += named[0]
                categories += named[1]
                continue
            low = high = self._member()
            if reader.at("-") and not reader.at("-]"):
                reader.take("-")
                high = self._member()
            if high < low:
                raise reader.wrong("a range runs backwards")
            ranges.append((low, high))
        reader.take("]")
        return CharacterSet(tuple(ranges), tuple(categories), negated, fold)

    def _named(self, *, fold: bool) -> tuple[tuple[Range, ...], tuple[Category, ...]] | None:
        found = self._reader.match(r"\[:(\^?)([a-z]+):\]")
        if found:
            if found[2] not in POSIX:
                raise self._reader.wrong(f"there is no class [:{found[2][:20]}:]")
            return (complement(POSIX[found[2]]) if found[1] else POSIX[found[2]]), ()
        if self._reader.match(r"\\(?=[dDsSwWpP])"):
            return self._class(fold=fold)
        return None

    def _class(self, *, fold: bool) -> tuple[tuple[Range, ...], tuple[Category, ...]] | None:
        for letter, ranges in PERL.items():
            if self._reader.take(letter):
                return ranges, ()
            if self._reader.take(letter.upper()):
                return complement(ranges), ()
        found = self._reader.match(r"([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))")
        if found is None:
            return None
        name, negated = found[3] or found[4], (found[1] == "P") is not bool(found[2])
        if name == "Any":
            return (() if negated else ((0, LAST),)), ()
        if name not in CATEGORIES:
            raise self._reader.wrong(f"\\p{{{name[:20]}}} is not known; general categories are: L, Lu, N, Nd...")
        if fold and name in ("Lu", "Ll", "Lt") and not negated:
            return (), tuple(Category(each) for each in ("Lu", "Ll", "Lt"))
        return (), (Category(name, negated),)

    def _member(self) -> int:
        if self._reader.take("\\"):
            return self._character()
        return ord(self._reader.next())

    def _character(self) -> int:
        reader = self._reader
        octal = reader.match(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
        if octal:
            return int(octal[0], 8)
        found = reader.match(r"x(?:\{([0-9a-fA-F]{1,8})\}|([0-9a-fA-F]{2}))")
        if found:
            code = int(found[1] or found[2], 16)
            if code > LAST:
                raise reader.wrong("there is no such character")
            return code
        letter = reader.next()
        if letter in _PLAIN:
            return _PLAIN[letter]
        if letter.isascii() and not letter.isalnum():
            return ord(letter)
        raise reader.wrong(f"\\{letter} means nothing; back references and \\C are not supported")
