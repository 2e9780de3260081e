"""A store file as data."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Context = dict[str, Any]
Moment = str | int
"""A point in time: RFC 3339 text, or seconds since 1970."""
Expected = bool | Literal["conditional"]


class FileCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The condition of a tuple, with what it stores for the condition's parameters."""

    name: str
    context: Context | None = None


class FileTuple(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tuple as a store file writes it."""

    user: str
    relation: str
    object: str
    condition: FileCondition | None = None
    expires_at: Moment = 0


class CheckCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Checks of one or several users and objects: relation -> expected answer."""

    assertions: dict[str, Expected]
    user: str = ""
    object: str = ""
    users: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    context: Context | None = None


class ListObjectsCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a user may reach: relation -> the objects expected, in any order."""

    user: str
    type: str
    assertions: dict[str, tuple[str, ...]]
    context: Context | None = None


class UserFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which users to list: of a type, or the members of its objects by a relation."""

    type: str
    relation: str = ""

    def __str__(self) -> str:
        """Render as `user` or `group#member`."""
        return f"{self.type}#{self.relation}" if self.relation else self.type


class ExpectedUsers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The users expected, in any order."""

    users: tuple[str, ...]


class ListUsersCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may: relation -> the users expected."""

    object: str
    user_filter: tuple[UserFilter, ...]
    assertions: dict[str, ExpectedUsers]
    context: Context | None = None


class NamedTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One named test. `now` is the time it asks at, for tuples that expire."""

    name: str = "unnamed"
    description: str = ""
    tuples: tuple[FileTuple, ...] | None = ()
    tuple_file: str = ""
    tuple_files: tuple[str, ...] = ()
    now: Moment | None = None
    check: tuple[CheckCase, ...] | None = ()
    list_objects: tuple[ListObjectsCase, ...] | None = ()
    list_users: tuple[ListUsersCase, ...] | None = ()


class StoreFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file."""

    name: str = ""
    model: str = ""
    model_file: str = ""
    tuples: tuple[FileTuple, ...] | None = ()
    tuple_file: str = ""
    tuple_files: tuple[str, ...] = ()
    now: Moment | None = None
    tests: tuple[NamedTest, ...] | None = ()


class Outcome(msgspec.Struct, frozen=True):
    """One assertion and how it came out. `relation` is what it asked for: `order#viewer`.

    `why` explains the answer that was given; for lists, each user or object that is missing or too many.
    """

    test: str
    question: str
    expected: str
    found: str
    relation: str
    why: str = ""

    @property
    def passed(self) -> bool:
        """Whether it is what the file expects."""
        return self.expected == self.found
