"""What a workload may do on the bus, from its role assignments: subjects it may publish to, subjects it may receive.

Shape: `bus-sender` on `orders.>` -> publish `orders.>`; `bus-receiver` on it -> subscribe `orders.>`. A sender gets no
subscription at all and a receiver no publication, not even a reply inbox, so neither can stand in for the other.
Does not: know a broker. Drivers write these lists in their broker's words, and an empty list means *nothing*.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from keystead.core.records.workload import RoleAssignment

SENDER: Final = "bus-sender"
RECEIVER: Final = "bus-receiver"

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_MAXIMUM_PATTERN: Final = 255


class BusPermissions(msgspec.Struct, frozen=True):
    """Subject patterns, in byte order, without repeats. Both empty: no business on the bus."""

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.publish or self.subscribe)

    def digest(self) -> str:
        """Return a short text that differs when the permissions do."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:32]


def permissions_of(roles: Iterable[RoleAssignment]) -> BusPermissions:
    """Return what these assignments allow; roles that are not the bus's allow nothing here.

    Raises: ValueError when an assignment of a bus role is on a pattern that is not allowed.
    """
    publish: set[str] = set()
    subscribe: set[str] = set()
    for assignment in roles:
        if assignment.role == SENDER:
            publish.add(require_subject_pattern(assignment.on))
        elif assignment.role == RECEIVER:
            subscribe.add(require_subject_pattern(assignment.on))
    return BusPermissions(tuple(sorted(publish)), tuple(sorted(subscribe)))


def require_subject_pattern(pattern: str) -> str:
    """Return the pattern, if it is dot-separated words, `*` for one word, `>` for the rest at the end.

    The first word must be a word: a pattern that begins with a wildcard would cover the broker's own subjects
    (`$SYS`, `$JS`, inboxes of others).
    Raises: ValueError saying what is wrong.
    """
    words = pattern.split(".")
    if not pattern or len(pattern) > _MAXIMUM_PATTERN:
        raise ValueError(f"a subject pattern has 1 to {_MAXIMUM_PATTERN} characters")
    if not _TOKEN.fullmatch(words[0]) or words[0].upper().startswith("_INBOX"):
        raise ValueError("a subject pattern begins with a word of letters, digits, - and _, and not with _INBOX")
    for position, word in enumerate(words[1:], start=2):
        if word == ">" and position != len(words):
            raise ValueError("> may stand only at the end of a subject pattern")
        if word not in {"*", ">"} and not _TOKEN.fullmatch(word):
            raise ValueError("the words of a subject pattern are letters, digits, - and _, or * or >")
    return pattern
