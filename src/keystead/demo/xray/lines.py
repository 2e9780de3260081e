"""Log lines of all processes, grouped by trace: a bounded memory of the last actions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import msgspec

from keystead.core.decisions import Check, Credential
from keystead.core.trace import TraceContext

MAX_TRACES = 200
MAX_LINES_PER_TRACE = 200
BACKGROUND = "background"


class Line(msgspec.Struct, frozen=True):
    """One decision as logged, as far as the page needs it."""

    time: str
    service: str
    action: str
    allowed: bool
    reason: str
    trace: TraceContext | None = None
    realm: str = ""
    subject: str = ""
    client_id: str = ""
    credential: Credential | None = None
    issued: Credential | None = None
    checks: tuple[Check, ...] = ()
    facts: dict[str, Any] = {}


class Traces:
    """The last actions. Fed by reader threads, read by the page."""

    def __init__(self) -> None:
        self._traces: OrderedDict[str, list[Line]] = OrderedDict()
        self._lock = threading.Lock()
        self.names: dict[str, str] = {}

    def feed(self, raw: bytes) -> Line | None:
        """Take one line of a process. Lines that are not decisions are left alone."""
        try:
            line = msgspec.json.decode(raw, type=Line)
        except msgspec.DecodeError:
            return None
        with self._lock:
            self._remember(line)
        return line

    def _remember(self, line: Line) -> None:
        if name := line.facts.get("username"):
            self.names[line.subject] = str(name)
        trace_id = line.trace.trace_id if line.trace else BACKGROUND
        lines = self._traces.setdefault(trace_id, [])
        if len(lines) < MAX_LINES_PER_TRACE:
            lines.append(line)
        while len(self._traces) > MAX_TRACES:
            self._traces.popitem(last=False)

    def of(self, trace_id: str) -> list[Line]:
        """Return one trace's lines in the order in which things happened."""
        with self._lock:
            return sorted(self._traces.get(trace_id, ()), key=lambda line: line.time)

    def recent(self) -> list[tuple[str, list[Line]]]:
        """Return the traces, newest first."""
        with self._lock:
            return [(trace_id, list(lines)) for trace_id, lines in reversed(self._traces.items())]

    def name_of(self, subject: str) -> str:
        """Return what to call a subject on the page."""
        return self.names.get(subject, subject)
