"""A made-up company: people in nested groups, documents in nested folders, 239,000 tuples.

10,000 users, each in 2 leaf groups; 1,000 groups nested 4 deep; 10,000 folders nested 5 deep; 100,000 documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Final

from keystead.storage.ports import Relationship

MODEL: Final = """
model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define parent: [folder]
    define owner: [user]
    define viewer: [user, group#member] or owner or viewer from parent
type document
  relations
    define parent: [folder]
    define owner: [user]
    define viewer: [user, group#member] or owner or viewer from parent
"""

USERS: Final = 10_000
GROUPS: Final = 1_000
GROUP_LEVELS: Final = (8, 32, 160, 800)
FOLDERS: Final = 10_000
FOLDER_LEVELS: Final = (20, 180, 1_300, 3_500, 5_000)
DOCUMENTS: Final = 100_000

Question = tuple[str, str, str]


def tuples(seed: int = 1) -> Iterator[Relationship]:
    """Make the tuples, the same for the same seed."""
    random = Random(seed)
    leaves = range(GROUPS - GROUP_LEVELS[-1], GROUPS)
    for user in range(USERS):
        for group in random.sample(leaves, 2):
            yield Relationship(f"group:{group}", "member", f"user:{user}")
    for child, parent in _tree(random, GROUP_LEVELS):
        yield Relationship(f"group:{parent}", "member", f"group:{child}#member")
    for child, parent in _tree(random, FOLDER_LEVELS):
        yield Relationship(f"folder:{child}", "parent", f"folder:{parent}")
    for folder in range(FOLDERS):
        yield Relationship(f"folder:{folder}", "owner", f"user:{random.randrange(USERS)}")
        if random.random() < 0.03:
            yield Relationship(f"folder:{folder}", "viewer", f"group:{random.randrange(GROUPS)}#member")
    for document in range(DOCUMENTS):
        yield Relationship(f"document:{document}", "parent", f"folder:{random.randrange(FOLDERS)}")
        if random.random() < 0.5:
            yield Relationship(f"document:{document}", "owner", f"user:{random.randrange(USERS)}")
        if random.random() < 0.3:
            yield Relationship(f"document:{document}", "viewer", f"user:{random.randrange(USERS)}")
        if random.random() < 0.17:
            yield Relationship(f"document:{document}", "viewer", f"group:{random.randrange(GROUPS)}#member")


def questions(random: Random) -> Question:
    """Make one question."""
    return f"user:{random.randrange(USERS)}", "viewer", f"document:{random.randrange(DOCUMENTS)}"


def _tree(random: Random, levels: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Give every member of a level but the first a parent in the level above."""
    start = 0
    for above, here in pairwise(levels):
        for child in range(start + above, start + above + here):
            yield child, start + random.randrange(above)
        start += above
