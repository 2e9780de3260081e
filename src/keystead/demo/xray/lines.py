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
BUYING = frozenset({"agent.attest", "agent.token", "token.issue"})


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
        self._issued_in: dict[str, str] = {}
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
        trace_id = line.trace.trace_id if line.trace else BACKGROUND
        lines = self._traces.setdefault(trace_id, [])
        if len(lines) < MAX_LINES_PER_TRACE:
            lines.append(line)
        if line.issued is not None and line.issued.token_id:
            self._issued_in[line.issued.token_id] = trace_id
        while len(self._traces) > MAX_TRACES:
            gone, _ = self._traces.popitem(last=False)
            self._issued_in = {token: where for token, where in self._issued_in.items() if where != gone}

    def of(self, trace_id: str) -> list[Line]:
        """Return one trace's lines in the order in which things happened."""
        with self._lock:
            return sorted(self._traces.get(trace_id, ()), key=lambda line: line.time)

    def issuing(self, token_id: str) -> list[Line]:
        """Return the lines around a token's issue: who asked, who vouched, what the issuer checked."""
        trace_id = self._issued_in.get(token_id)
        lines = [line for line in self.of(trace_id) if line.action in BUYING] if trace_id else []
        issue = next((line for line in lines if line.issued is not None and line.issued.token_id == token_id), None)
        if issue is None or issue.trace is None:
            return []
        asked_by = issue.trace.parent_id
        return [line for line in lines if line.trace and line.trace.parent_id == asked_by]

    def recent(self) -> list[tuple[str, list[Line]]]:
        """Return the traces, newest first."""
        with self._lock:
            return [(trace_id, list(lines)) for trace_id, lines in reversed(self._traces.items())]

    def name_of(self, subject: str) -> str:
        """Return what to call a subject on the page."""
        return self.names.get(subject, subject)
