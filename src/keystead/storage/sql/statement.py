"""What passes between an operation and the driver that runs it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

SqlValue = str | int | bytes | None

Statement = tuple[str, Sequence[SqlValue]]
"""SQL text with `?` placeholders, and what goes into them."""

Row = tuple[Any, ...]

Steps = Generator[Statement, list[Row], T]
"""An operation under way: yields a statement, receives all its rows, returns the answer."""
