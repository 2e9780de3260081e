"""A bounded way out for lines: direct while the reader keeps up, by way of memory and a thread when it does not.

Does not: lose anything silently, block its caller, or cut a line in two.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TextIO

# What a pipe that polls as writable takes without blocking: POSIX and Linux promise one page.
_AT_ONCE: Final = select.PIPE_BUF
# A file on a disk takes anything; one write of this size is cheap, and none is needed beyond it.
_AT_ONCE_TO_FILE: Final = 256 * 1024
_MAXIMUM_WAITING: Final = 4 * 1024 * 1024


class LineSink:
    """Writes whole lines to a stream, in order. `lost` makes the line that tells how many others were dropped."""

    def __init__(self, stream: TextIO, lost: Callable[[int], bytes]) -> None:
        self._stream = stream
        self._describe_lost = lost
        self._lost = 0
        self._broken = False
        self._waiting = bytearray()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._file = _descriptor(stream)
        self._at_once = _AT_ONCE if self._file is None or not _is_plain_file(self._file) else _AT_ONCE_TO_FILE
        self._poll = select.poll()
        if self._file is not None:
            self._poll.register(self._file, select.POLLOUT)
            atexit.register(self.close)

    def write(self, line: bytes) -> None:
        """Write a line, now or soon. Never raises."""
        with self._lock:
            self._take(line)

    def write_all(self, lines: Sequence[bytes]) -> None:
        """Write several lines, in as few pieces as go without cutting one. Never raises."""
        with self._lock:
            for piece in _pieces(lines, self._at_once):
                self._take(piece)

    def close(self, patience: float = 1.0) -> None:
        """Give what waits a moment to get out."""
        thread = self._thread
        if thread is not None:
            thread.join(patience)

    def _take(self, piece: bytes) -> None:
        """Write whole lines, or keep them, or count them."""
        if self._broken:
            self._lost += piece.count(b"\n")
        elif self._file is None:
            self._write_text(piece)
        elif self._waiting or not self._write_at_once(piece):
            self._wait_with(piece)

    def _write_text(self, piece: bytes) -> None:
        try:
            self._stream.write(piece.decode())
            self._stream.flush()
        except (OSError, ValueError):
            self._lost += piece.count(b"\n")

    def _write_at_once(self, piece: bytes) -> bool:
        """Write a short piece if the stream takes it without blocking. Return whether it went."""
        if len(piece) > self._at_once or self._lost or self._file is None:
            return False
        try:
            if not any(event & select.POLLOUT for _, event in self._poll.poll(0)):
                return False
            written = os.write(self._file, piece)
        except BlockingIOError:
            return False
        except OSError:
            self._break()
            self._lost += piece.count(b"\n")
            return True
        self._waiting += piece[written:]
        if self._waiting:
            self._start_thread()
        return True

    def _wait_with(self, piece: bytes) -> None:
        if len(self._waiting) + len(piece) > _MAXIMUM_WAITING:
            self._lost += piece.count(b"\n")
            return
        if self._lost:
            self._waiting += self._describe_lost(self._lost)
            self._lost = 0
        self._waiting += piece
        self._start_thread()

    def _break(self) -> None:
        """The reader went away, and a broken pipe never mends: from now on lines are only counted."""
        self._broken = True
        self._lost += self._waiting.count(b"\n")
        self._waiting.clear()

    def _start_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._drain, name="keystead-journal", daemon=True)
            self._thread.start()

    def _drain(self) -> None:
        """Write what waits, blocking as long as it takes, then go away."""
        while True:
            with self._lock:
                if not self._waiting or self._file is None:
                    self._thread = None
                    return
                chunk = bytes(self._waiting[:_AT_ONCE])
            try:
                self._poll.poll()
                written = os.write(self._file, chunk)
            except BlockingIOError:
                continue
            except OSError:
                with self._lock:
                    self._break()
                continue
            with self._lock:
                del self._waiting[:written]


def _pieces(lines: Sequence[bytes], size: int) -> Iterator[bytes]:
    """Join lines to pieces of at most this size; a line that is longer stays alone."""
    piece: list[bytes] = []
    left = size
    for line in lines:
        left -= len(line)
        if left < 0 and piece:
            yield b"".join(piece)
            piece, left = [], size - len(line)
        piece.append(line)
    if piece:
        yield b"".join(piece)


def _is_plain_file(file: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(file).st_mode)
    except OSError:
        return False


def _descriptor(stream: TextIO) -> int | None:
    """Return the file behind a stream, flushed, or None when there is none (a stream in memory)."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        number = stream.fileno()
        stream.flush()
        return number
    return None
