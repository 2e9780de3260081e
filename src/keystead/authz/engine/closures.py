"""Which groups somebody is in, all told: found by climbing, kept until a write can have changed it.

What is kept depends only on tuples of group-like relations that count without condition or expiry, so no cycle, error
or context can get into it. A write drops exactly the closures it can affect: that of the user it names, those of
everybody of a type, or those that contain the group it puts into another.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from keystead.authz.engine.index import Index
from keystead.authz.engine.numbering import UNKNOWN, Numbering

MAX_KEPT_GROUPS: Final = 256
"""A user in more groups than this is decided without keeping the list of them."""
MAX_KEPT: Final = 500_000
"""Groups in all closures together, beyond which the oldest go."""


class Closures:
    """The ways up from users to group-like nodes, and what was found by climbing them."""

    def __init__(self, numbering: Numbering) -> None:
        self.numbering = numbering
        self.memberships = Index()
        """Number of a user or wildcard -> group-like nodes that an unqualified tuple puts it in."""
        self.nested = Index()
        """Node -> group-like nodes that an unqualified tuple puts it in."""
        self.kept: dict[int, Set[int]] = {}
        """Number of a user -> every group-like node it is in."""
        self._size = 0
        self._moved: set[int] = set()
        self._perhaps_members: dict[int, int] = {}
        """Number of a user or wildcard -> how many qualified tuples put it in a group-like node."""
        self._perhaps_nested: dict[int, int] = {}
        """The same for nodes."""

    def of(self, user: int, everybody: int) -> Set[int] | None:
        """Return every group-like node a user is in, or None if they are too many.

        `everybody` is the number of the wildcard of the user's type; a wildcard asks for itself, with UNKNOWN.
        """
        groups = self.kept.get(user)
        if groups is None:
            groups = self._climb(user, everybody)
            if groups is not None and user != UNKNOWN:
                self.keep(user, groups)
        return groups

    def keep(self, user: int, groups: Set[int]) -> None:
        """Keep which groups a user is in."""
        self.kept[user] = groups
        self._size += len(groups) + 1
        while self._size > MAX_KEPT:
            self._drop(next(iter(self.kept)))

    def join(self, value: int, group: int, *, is_userset: bool) -> None:
        """A tuple puts a user, a wildcard or the members of a node into a group."""
        (self.nested if is_userset else self.memberships).add(value, group)
        self._changed(value, is_userset=is_userset)

    def leave(self, value: int, group: int, *, is_userset: bool) -> None:
        """No tuple does any longer."""
        (self.nested if is_userset else self.memberships).discard(value, group)
        self._changed(value, is_userset=is_userset)

    def perhaps(self, value: int, change: int, *, is_userset: bool) -> None:
        """Count one qualified tuple more, or less, that puts a user, a wildcard or a node into a group."""
        counts = self._perhaps_nested if is_userset else self._perhaps_members
        count = counts.get(value, 0) + change
        if count > 0:
            counts[value] = count
        else:
            counts.pop(value, None)

    def unsure(self, user: int, everybody: int, groups: Set[int]) -> bool:
        """Tell whether a qualified tuple may put somebody, known to be in `groups`, into a group more."""
        members = self._perhaps_members
        return user in members or everybody in members or not self._perhaps_nested.keys().isdisjoint(groups)

    def copy_from(self, other: Closures) -> None:
        """Know the same ways up, and keep what was found by climbing them."""
        self.memberships.copy_from(other.memberships)
        self.nested.copy_from(other.nested)
        self.kept.update(other.kept)
        self._size = other._size
        self._perhaps_members.update(other._perhaps_members)
        self._perhaps_nested.update(other._perhaps_nested)

    def settle(self) -> None:
        """Drop whatever the changes since the last time can have affected. To be called before the next question."""
        if self._moved:
            for user in [user for user, groups in self.kept.items() if not self._moved.isdisjoint(groups)]:
                self._drop(user)
            self._moved = set()

    def clear(self) -> None:
        """Keep nothing."""
        self.kept.clear()
        self._size = 0

    def _changed(self, value: int, *, is_userset: bool) -> None:
        if not self.kept:
            return
        if is_userset:
            self._moved.add(value)
            return
        kind = value & self.numbering.mask
        if not self.numbering.layout.is_wildcard(kind):
            self._drop(value)
        else:
            of_the_type = (kind, kind - len(self.numbering.layout.types))
            for user in [user for user in self.kept if user & self.numbering.mask in of_the_type]:
                self._drop(user)

    def _drop(self, user: int) -> None:
        groups = self.kept.pop(user, None)
        if groups is not None:
            self._size -= len(groups) + 1

    def _climb(self, user: int, everybody: int) -> Set[int] | None:
        nested_at = self.nested.at
        groups = {*self.memberships.at(user), *self.memberships.at(everybody)}
        walk = list(groups)
        for node in walk:
            for group in nested_at(node):
                if group not in groups:
                    groups.add(group)
                    walk.append(group)
            if len(walk) > MAX_KEPT_GROUPS:
                return None
        return groups
