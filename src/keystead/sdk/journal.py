"""The journal that prints: one JSON line per decision, for a log collector, a terminal, or the X-ray page.

Shape: `{"time": "2026-11-22T10:00:00.123Z", "level": "info", "service": "orders", "action": ..., ...}`, the rest being
the `Decision`. A yes is `info`, a no is `warning`. Everything that came from outside is escaped, so that no line
break, control sequence or bidirectional override can forge a line or paint over one.
Does not: block or raise. Where the reader of a pipe stops reading, lines wait in memory up to a bound; what does not
fit is counted, and the count is the next line that gets through. A server gathers its lines for a few milliseconds
(`soon`), and a kill -9 loses those; any other end of the process writes them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final, TextIO

import msgspec

from keystead.core.decisions import Decision
from keystead.sdk.line_gathering import GatheredLines, Soon
from keystead.sdk.line_sink import LineSink

# Beyond what JSON itself escapes: DEL and C1 controls, line separators, direction marks and overrides.
_TREACHEROUS: Final = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u206f\ufeff]")
_encoder: Final = msgspec.json.Encoder(enc_hook=repr)


class JsonLinesJournal:
    """A `Journal` that writes JSON lines to a stream. Safe to use from several threads."""

    def __init__(
        self, stream: TextIO, service: str = "", *, clock: Callable[[], float] = time.time, soon: Soon | None = None
    ) -> None:
        self._sink = LineSink(stream, self._lost)
        self._gathered = GatheredLines(self._sink, soon) if soon is not None else None
        self._write = self._sink.write if self._gathered is None else self._gathered.write
        self._service = b'","service":' + msgspec.json.encode(service) + b","
        self._clock = clock
        self._stamp = (-1, b"")

    def record(self, decision: Decision) -> None:
        """Write one decision. Never raises."""
        try:
            body = _escaped(_encoder.encode(decision))
        except Exception:  # noqa: BLE001 - a log line must not change an answer
            action = decision.action[:80].encode("ascii", "replace").decode()
            body = _encoder.encode(Decision(action, decision.allowed, "journal.unprintable"))
        level = b"info" if decision.allowed else b"warning"
        self._write(self._start(level) + body[1:] + b"\n")

    def close(self) -> None:
        """Write what still waits."""
        if self._gathered is not None:
            self._gathered.flush()
        self._sink.close()

    def _start(self, level: bytes) -> bytes:
        now = self._clock()
        second = int(now)
        stamp = self._stamp
        if second != stamp[0]:
            text = time.strftime('{"time":"%Y-%m-%dT%H:%M:%S.', time.gmtime(second))
            stamp = self._stamp = (second, text.encode())
        return stamp[1] + b'%03dZ","level":"' % int((now - second) * 1000) + level + self._service

    def _lost(self, count: int) -> bytes:
        lost = Decision("journal.lost", False, "journal.lost", facts={"lines": count})
        return self._start(b"error") + _encoder.encode(lost)[1:] + b"\n"


def _escaped(line: bytes) -> bytes:
    if line.isascii() and b"\x7f" not in line:
        return line
    return _TREACHEROUS.sub(lambda match: f"\\u{ord(match[0]):04x}", line.decode()).encode()
