"""Sets of characters: ranges, general categories of Unicode, and upper and lower case as one.

Spec: RE2 syntax; `\\d`, `\\w`, `\\s` and `[[:alpha:]]` mean ASCII there.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import msgspec

LAST: Final = 0x10FFFF
Range = tuple[int, int]


class Category(msgspec.Struct, frozen=True):
    """`\\p{L}`: the characters whose general category begins with `prefix`."""

    prefix: str
    negated: bool = False


class CharacterSet(msgspec.Struct, frozen=True):
    """Characters. `fold`: a character is in the set when another case of it is."""

    ranges: tuple[Range, ...] = ()
    categories: tuple[Category, ...] = ()
    negated: bool = False
    fold: bool = False

    def holds(self, character: str) -> bool:
        """Tell whether a character is in the set."""
        found = any(self._has(each) for each in _cases(character)) if self.fold else self._has(character)
        return found is not self.negated

    def _has(self, character: str) -> bool:
        code = ord(character)
        if any(low <= code <= high for low, high in self.ranges):
            return True
        if not self.categories:
            return False
        category = unicodedata.category(character)
        return any(category.startswith(each.prefix) is not each.negated for each in self.categories)


PERL: Final[dict[str, tuple[Range, ...]]] = {
    "d": ((0x30, 0x39),),
    "s": ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20)),
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
}
POSIX: Final[dict[str, tuple[Range, ...]]] = {
    "alnum": ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)),
    "alpha": ((0x41, 0x5A), (0x61, 0x7A)),
    "ascii": ((0x00, 0x7F),),
    "blank": ((0x09, 0x09), (0x20, 0x20)),
    "cntrl": ((0x00, 0x1F), (0x7F, 0x7F)),
    "digit": ((0x30, 0x39),),
    "graph": ((0x21, 0x7E),),
    "lower": ((0x61, 0x7A),),
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((0x09, 0x0D), (0x20, 0x20)),
    "upper": ((0x41, 0x5A),),
    "word": PERL["w"],
    "xdigit": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
}
CATEGORIES: Final = frozenset(
    {
        *("C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl"),
        *("No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs"),
    }
)
# Characters that fold to one and are not upper and lower case of each other.
_KIN: Final = ("s\u017f", "k\u212a", "\u00e5\u212b", "\u03b2\u03d0", "\u03b5\u03f5", "\u03b8\u03d1\u03f4",
    "\u03b9\u0345\u1fbe", "\u03ba\u03f0", "\u03bc\u00b5", "\u03c0\u03d6", "\u03c1\u03f1", "\u03c3\u03c2",
    "\u03c6\u03d5", "\u03c9\u2126", "\u1e61\u1e9b", "\u00df\u1e9e", "\u01c6\u01c5", "\u01c9\u01c8", "\u01cc\u01cb",
    "\u01f3\u01f2")  # fmt: skip

_KIN_OF: Final = {each: frozenset({*kin, kin[0].upper()}) for kin in _KIN for each in (*kin, kin[0].upper())}
_NONE: Final[frozenset[str]] = frozenset()


def complement(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """Return the characters outside of ranges."""
    made, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            made.append((start, low - 1))
        start = max(start, high + 1)
    return (*made, (start, LAST)) if start <= LAST else tuple(made)


def _cases(character: str) -> set[str]:
    cases = {character, character.lower(), character.upper()}
    for each in tuple(cases):
        cases |= _KIN_OF.get(each, _NONE)
    return {each for each in cases if len(each) == 1}
