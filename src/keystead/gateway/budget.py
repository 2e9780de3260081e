"""How many bytes a request's head has taken so far, counted without looking at each header."""

from __future__ import annotations

_END = b"\r\n\r\n"


class HeadBudget:
    """Counts the bytes of one head as reads arrive. A read may hold the rest of the head and much of the body."""

    __slots__ = ("_spent", "_tail")

    def __init__(self) -> None:
        self._spent = 0
        self._tail = b""

    def renew(self) -> None:
        """Begin a new head."""
        self._spent = 0
        self._tail = b""

    def spend(self, data: bytes, limit: int) -> bool:
        """Take one read. Answer: whether the head is still within `limit`, as far as it is known."""
        total = self._spent + len(data)
        if total > limit:
            end = (self._tail + data).find(_END)
            size = total if end < 0 else self._spent - len(self._tail) + end + len(_END)
            if size > limit:
                return False
        self._spent = total
        self._tail = data[-3:]
        return True
