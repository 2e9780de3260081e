"""Static types: what an expression will give, known before it runs.

`DYN` stands for anything; a `Type` whose name begins with `?` is a variable that unification still has to find.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Type(msgspec.Struct, frozen=True):
    """A type and what it holds: `list` one type, `map` two, `type` the type it names."""

    name: str
    of: tuple[Type, ...] = ()

    def __str__(self) -> str:
        """Render for a reader."""
        return f"{self.name}<{', '.join(map(str, self.of))}>" if self.of else self.name


DYN: Final = Type("dyn")
BOOL: Final = Type("bool")
INT: Final = Type("int")
UINT: Final = Type("uint")
DOUBLE: Final = Type("double")
STRING: Final = Type("string")
BYTES: Final = Type("bytes")
NULL: Final = Type("null")
TIMESTAMP: Final = Type("timestamp")
DURATION: Final = Type("duration")
IPADDRESS: Final = Type("ipaddress")
A: Final = Type("?A")
B: Final = Type("?B")

SCALARS: Final = frozenset({BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION})
_NULLABLE: Final = frozenset({TIMESTAMP, DURATION, IPADDRESS})


def list_of(item: Type) -> Type:
    """`list<item>`."""
    return Type("list", (item,))


def map_of(key: Type, value: Type) -> Type:
    """`map<key, value>`."""
    return Type("map", (key, value))


def type_of(named: Type) -> Type:
    """The type of a type."""
    return Type("type", (named,))


class Unifier:
    """What type variables stand for, as far as known."""

    def __init__(self) -> None:
        self._known: dict[str, Type] = {}
        self._count = 0

    def fresh(self) -> Type:
        """Make a new variable."""
        self._count += 1
        return Type(f"?{self._count}")

    def instance(self, types: tuple[Type, ...]) -> tuple[Type, ...]:
        """Give the variables of a declaration new names."""
        renamed: dict[str, Type] = {}
        return tuple(self._rename(each, renamed) for each in types)

    def fits(self, given: tuple[Type, ...], declared: tuple[Type, ...]) -> bool:
        """Unify argument by argument; remember nothing when one does not fit."""
        before = dict(self._known)
        if len(given) == len(declared) and all(map(self._unify, given, declared)):
            return True
        self._known = before
        return False

    def attempt(self, given: tuple[Type, ...], declared: tuple[Type, ...]) -> dict[str, Type] | None:
        """Tell what would be known if the arguments were unified, None when they do not fit."""
        before = dict(self._known)
        found = self._known if self.fits(given, declared) else None
        self._known = before
        return found

    def adopt(self, known: dict[str, Type]) -> None:
        """Make an attempt the truth."""
        self._known = known

    def resolve(self, type: Type) -> Type:
        """Replace the variables; what nobody fixed is `DYN`."""
        found = self._find(type)
        if found.name[0] == "?":
            return DYN
        return Type(found.name, tuple(map(self.resolve, found.of))) if found.of else found

    def join(self, first: Type, second: Type) -> Type:
        """Return the type of something that is one or the other."""
        first, second = self._find(first), self._find(second)
        if first == second or not self.fits((first,), (second,)):
            return first if first == second else DYN
        return self._general(first, second)

    def _rename(self, type: Type, renamed: dict[str, Type]) -> Type:
        if type.name[0] == "?":
            if type.name not in renamed:
                renamed[type.name] = self.fresh()
            return renamed[type.name]
        return Type(type.name, tuple(self._rename(each, renamed) for each in type.of)) if type.of else type

    def _find(self, type: Type) -> Type:
        while type.name in self._known:
            type = self._known[type.name]
        return type

    def _unify(self, first: Type, second: Type) -> bool:
        one, two = self._find(first), self._find(second)
        if one == two:
            return True
        for variable, other in ((two, one), (one, two)):
            if variable.name[0] == "?":
                if self._occurs(variable, other):
                    return False
                self._known[variable.name] = other
                return True
        if not self._agree(one, two):
            return False
        for variable in (first, second):
            if variable.name[0] == "?":
                self._known[self._last(variable).name] = self._general(one, two)
        return True

    def _agree(self, one: Type, two: Type) -> bool:
        if DYN in (one, two):
            return True
        if NULL in (one, two):
            return (two if one == NULL else one) in _NULLABLE
        if one.name == "type" == two.name:
            return True
        return one.name == two.name and len(one.of) == len(two.of) and all(map(self._unify, one.of, two.of))

    def _last(self, variable: Type) -> Type:
        while self._known[variable.name].name[0] == "?":
            variable = self._known[variable.name]
        return variable

    def _general(self, one: Type, two: Type) -> Type:
        one, two = self._find(one), self._find(two)
        if one == two or two.name[0] == "?":
            return one
        if one.name[0] == "?":
            return two
        if one.name != two.name or not one.of:
            return DYN
        return Type(one.name, tuple(map(self._general, one.of, two.of)))

    def _occurs(self, variable: Type, within: Type) -> bool:
        within = self._find(within)
        return variable == within or any(self._occurs(variable, each) for each in within.of)
