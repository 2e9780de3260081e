"""Everything a process says, as JSON lines on one stream: decisions, and what libraries log.

Shape: one object a line, with `time` (UTC, RFC 3339), `service` and `event`; decisions add the fields of
`core.decisions.Decision`. Control characters are escaped by JSON, so nobody can forge a second line.
Does not: raise. Losing a line must not change an answer.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import msgspec

from keystead.core.decisions import Decision

_QUIET: Final = ("uvicorn", "asyncio", "aiohttp")


class LogLines:
    """The journal of a server process, and the handler of its standard logging."""

    def __init__(self, stream: BinaryIO, service: str) -> None:
        self._stream = stream
        self._service = service
        self._encoder = msgspec.json.Encoder()
        self._second = 0
        self._stamp = ""

    def record(self, decision: Decision) -> None:
        """Write one decision."""
        trace = decision.trace
        line: dict[str, Any] = {"time": self._time(), "service": self._service, "event": "decision"}
        if trace is not None:
            line["trace_id"] = trace.trace_id
            line["span_id"] = trace.span_id
            if trace.parent_id:
                line["parent_id"] = trace.parent_id
        fields = msgspec.structs.asdict(decision)
        del fields["trace"]
        line.update((name, value) for name, value in fields.items() if value or name == "allowed")
        self._write(line)

    def tell(self, event: str, **fields: Any) -> None:
        """Write one line about the process itself, such as `server.ready`."""
        self._write({"time": self._time(), "service": self._service, "event": event, **fields})

    def _time(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._stamp}.{int((now - second) * 1000):03d}Z"

    def _write(self, line: dict[str, Any]) -> None:
        with suppress(Exception):
            self._stream.write(self._encoder.encode(line) + b"\n")
            self._stream.flush()


class LogHandler(logging.Handler):
    """Turns records of standard logging into log lines."""

    def __init__(self, lines: LogLines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record. An exception's traceback goes with it, its message does too."""
        fields: dict[str, Any] = {"level": record.levelname.lower(), "logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = "".join(traceback.format_exception(record.exc_info[1], limit=-12))
        self._lines.tell("log", message=record.getMessage(), **fields)


def open_log(service: str) -> LogLines:
    """Return the log of this process on standard output, and send standard logging to it."""
    lines = LogLines(sys.stdout.buffer, service)
    root = logging.getLogger()
    root.handlers[:] = [LogHandler(lines)]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return lines
