"""Numbers for names. A number says of which kind its name is, and counts within the kind.

`number = place << shift | kind`, so that everything known of the objects of one type can be kept in lists, by place,
and the type of a number is a matter of arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Final, Protocol, overload

from keystead.authz.engine.layout import Layout

UNKNOWN: Final = -1


class NameList(Protocol):
    """Names by place. It only grows."""

    def append(self, name: str, /) -> None:
        """Add one at the end."""
        ...

    def __getitem__(self, place: int, /) -> str: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...


class Numbering:
    """The names of one store. Grows only: a number never comes to mean something else."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.shift = layout.shift
        self.mask = (1 << self.shift) - 1
        self.types = (*layout.types, *layout.types)
        """kind -> type."""
        self.numbers: MutableMapping[str, int] = {}
        self.names: Sequence[NameList] = [[] for _ in self.types]
        """kind -> place -> name."""
        self.everybody: dict[str, int] = {}
        """type -> number of its wildcard, once a tuple names it."""

    def add(self, name: str, kind: int) -> int:
        """Give a name that has no number the next one of its kind."""
        names = self.names[kind]
        number = self.numbers[name] = len(names) << self.shift | kind
        names.append(name)
        if self.layout.is_wildcard(kind):
            self.everybody[self.types[kind]] = number
        return number

    def copy_from(self, other: Numbering) -> None:
        """Give the names of another the numbers they have there. Only for one that has none yet."""
        self.numbers.update(other.numbers)
        self.everybody.update(other.everybody)
        for mine, theirs in zip(self.names, other.names, strict=True):
            for name in theirs:
                mine.append(name)

    def beyond(self) -> int:
        """Return a number that nothing has; it and the next lead nowhere."""
        return max(map(len, self.names)) << self.shift


class NamesByNumber(Sequence[str]):
    """`names[number]`. Its length is a number that nothing has."""

    def __init__(self, numbering: Numbering) -> None:
        self._numbering = numbering

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[str]: ...
    def __getitem__(self, number: int | slice) -> str | Sequence[str]:
        """Name a number."""
        assert isinstance(number, int), "numbers have gaps: there are no slices"
        return self._numbering.names[number & self._numbering.mask][number >> self._numbering.shift]

    def __len__(self) -> int:
        """Return a number beyond all."""
        return self._numbering.beyond()

    def __iter__(self) -> Iterator[str]:
        """Go through the names, kind by kind."""
        for names in self._numbering.names:
            yield from names


class TypesByNumber:
    """`types[number]`."""

    def __init__(self, numbering: Numbering) -> None:
        self._types = numbering.types
        self._mask = numbering.mask

    def __getitem__(self, number: int) -> str:
        """Return the type of a number."""
        return self._types[number & self._mask]
