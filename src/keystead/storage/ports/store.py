"""The store itself, and the two kinds of transaction it runs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeVar

from keystead.core.values import EpochSeconds
from keystead.storage.ports.operations import ReadOperation, WriteOperation

T = TypeVar("T")

Read = Generator[ReadOperation, Any, T]
"""A transaction that only looks, at one snapshot."""

Write = Generator[ReadOperation | WriteOperation, Any, T]
"""A transaction that may change things: all of it happens, or none."""


class Store(Protocol):
    """A backend. One per process and database; safe to use from one event loop."""

    async def read(self, transaction: Read[T]) -> T:
        """Run a transaction that only looks. An embedded backend answers without suspending.

        Raises: StorageUnavailable.
        """
        ...

    def hold(self) -> None:
        """Let the reads from here on share one snapshot, taken by the first of them; a snapshot held before ends.

        Until `release`, or the next `write`. A backend whose reads suspend may ignore it.
        """
        ...

    def release(self) -> None:
        """End what `hold` began; nothing happens when nothing is held."""
        ...

    async def write(self, transaction: Callable[[], Write[T]]) -> T:
        """Run a transaction and return when its effects are durable (fsynced). `transaction` may be called again.

        An exception out of the generator rolls the transaction back and reaches the caller unchanged.
        Raises: StorageUnavailable when nothing was, or may have been, made durable.
        """
        ...

    async def sweep(self, now: EpochSeconds, limit: int = 500) -> int:
        """Remove at most `limit` expired rows, in short transactions. Answer: how many went."""
        ...

    async def changed(self, since: int, timeout: float) -> int:
        """Wait until the outbox has an event after `since`, by any process, or `timeout` seconds passed.

        Answer: the newest sequence number.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        ...
