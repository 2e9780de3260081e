"""Lines gathered for a moment, so that a busy process writes many of them with one system call.

Flow: the first line asks for `flush` in a moment; what follows until then joins it; all go to the sink in order.
Does not: keep lines back from anybody who asks: `flush`, the end of the process and a full gathering write at once.
A process that is killed (`kill -9`) loses what it gathered in its last moment.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import Final

from keystead.sdk.line_sink import LineSink

_MOST_GATHERED: Final = 256 * 1024

Soon = Callable[[Callable[[], None]], bool]
"""Arranges for a call in a moment, on this thread. Returns False where nobody can: then lines are written at once."""


class GatheredLines:
    """Writes lines to a sink, many at a time. Safe to use from several threads."""

    def __init__(self, sink: LineSink, soon: Soon) -> None:
        self._sink = sink
        self._soon = soon
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._size = 0
        atexit.register(self.flush)

    def write(self, line: bytes) -> None:
        """Write a line in a moment. Never raises."""
        with self._lock:
            expected = bool(self._lines)
            self._lines.append(line)
            self._size += len(line)
            if self._size > _MOST_GATHERED or not (expected or self._soon(self.flush)):
                self._hand_over()

    def flush(self) -> None:
        """Hand what is gathered to the sink."""
        with self._lock:
            self._hand_over()

    def _hand_over(self) -> None:
        lines = self._lines
        if lines:
            self._lines, self._size = [], 0
            self._sink.write_all(lines)
