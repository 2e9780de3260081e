"""Kinds of record made for the contract: indexes of every sort, one kept in memory, one bare."""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds

NOW: Final = EpochSeconds(1_000_000)
LATER: Final = EpochSeconds(NOW + 60)


class Person(Record, frozen=True, kw_only=True):
    """A kind with a unique index, a plain one and one over several values."""

    kind: ClassVar[str] = "person"
    unique_indexes: ClassVar[tuple[str, ...]] = ("name", "badges")
    indexes: ClassVar[tuple[str, ...]] = ("town", "tags")

    name: str = ""
    badges: tuple[str, ...] = ()
    town: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    sealed: bytes = b""


class Setting(Record, frozen=True, kw_only=True):
    """A kind that processes keep in memory."""

    kind: ClassVar[str] = "setting"
    indexes: ClassVar[tuple[str, ...]] = ("group",)
    cached: ClassVar[bool] = True

    value: int = 0
    group: str = ""


class Plain(Record, frozen=True, kw_only=True):
    """A kind without any index."""

    kind: ClassVar[str] = "plain"

    value: int = 0
