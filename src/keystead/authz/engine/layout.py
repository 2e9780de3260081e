"""Where the graph keeps what: kinds of names, and the columns of every slot.

A kind is a type, or the wildcard of a type. A slot has a column for every kind of user, and for every userset, that its
type restrictions mention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

NO_USERSET: Final = -1


class Door(NamedTuple):
    """Which tuples a column holds: of which slot of objects of which kind; naming users of which kind.

    With `userset` they name that slot of those users, not the users themselves.
    """

    slot: int
    object_kind: int
    kind: int
    userset: int


class Who(msgspec.Struct, frozen=True):
    """Who a restriction names: a type, everybody of a type, or a userset with the slot it is."""

    type: str
    wildcard: bool = False
    userset: int = NO_USERSET


class Layout(msgspec.Struct, frozen=True):
    """The layout of a plan. A column is known by its place in `doors`."""

    types: tuple[str, ...]
    """The first kinds, in order; their wildcards follow in the same order."""
    kinds: Mapping[str, int]
    doors: tuple[Door, ...]
    at: Mapping[Door, int]
    users: tuple[tuple[int, ...], ...]
    """slot -> columns that name users or everybody."""
    usersets: tuple[tuple[int, ...], ...]
    """slot -> columns that name usersets."""
    naming_userset: tuple[tuple[int, ...], ...]
    """slot -> columns that name it as a userset."""
    naming_kind: tuple[tuple[int, ...], ...]
    """kind -> columns that name users of it, or everybody."""

    @property
    def shift(self) -> int:
        """Bits of a number that hold its kind."""
        return max(1, (2 * len(self.types) - 1).bit_length())

    def is_wildcard(self, kind: int) -> bool:
        """Tell whether a kind is the wildcard of a type."""
        return kind >= len(self.types)


def lay_out(types: Sequence[str], slot_types: Sequence[str], accepts: Sequence[Sequence[Who]]) -> Layout:
    """Give every (slot, who) of the type restrictions a column. `slot_types`, `accepts`: by slot."""
    kinds = {type: kind for kind, type in enumerate(types)}
    doors: list[Door] = []
    users: list[tuple[int, ...]] = []
    usersets: list[tuple[int, ...]] = []
    for slot, named in enumerate(accepts):
        here = dict.fromkeys(
            Door(slot, kinds[slot_types[slot]], kinds[who.type] + (len(types) if who.wildcard else 0), who.userset)
            for who in named
            if who.type in kinds
        )
        ids = {door: len(doors) + place for place, door in enumerate(here)}
        doors.extend(here)
        users.append(tuple(id for door, id in ids.items() if door.userset == NO_USERSET))
        usersets.append(tuple(id for door, id in ids.items() if door.userset != NO_USERSET))
    naming_userset: list[list[int]] = [[] for _ in accepts]
    naming_kind: list[list[int]] = [[] for _ in (*types, *types)]
    for id, door in enumerate(doors):
        (naming_kind[door.kind] if door.userset == NO_USERSET else naming_userset[door.userset]).append(id)
    return Layout(
        types=tuple(types),
        kinds=kinds,
        doors=tuple(doors),
        at={door: id for id, door in enumerate(doors)},
        users=tuple(users),
        usersets=tuple(usersets),
        naming_userset=tuple(map(tuple, naming_userset)),
        naming_kind=tuple(map(tuple, naming_kind)),
    )
