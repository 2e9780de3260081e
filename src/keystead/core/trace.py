"""W3C Trace Context: the thread that ties one person's click to every hop it causes.

Spec: W3C Trace Context level 1, sections 3.2 (traceparent) and 3.3 (tracestate is passed on by nobody here).
"""

from __future__ import annotations

import re
from random import getrandbits
from typing import Final

import msgspec

_NEVER_ZERO: Final = 1 | 1 << 64
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)


class TraceContext(msgspec.Struct, frozen=True):
    """One hop of one trace. `parent_id` is the span that called, empty for the first hop."""

    trace_id: str
    span_id: str
    parent_id: str = ""

    def child(self) -> TraceContext:
        """Return the context of a call this hop makes."""
        return TraceContext(self.trace_id, _span_id(), self.span_id)

    def traceparent(self) -> str:
        """Return the header value to send with a call made *as* this hop."""
        return f"00-{self.trace_id}-{self.span_id}-01"


def new_trace() -> TraceContext:
    """Start a trace. Its ids only tell traces apart, so they come from the fast generator, not the secret one."""
    ids = f"{getrandbits(192) | _NEVER_ZERO:048x}"
    return TraceContext(ids[:32], ids[32:])


def accept_trace(traceparent: str | None) -> TraceContext:
    """Return a hop below the caller's span, or a new trace when the header is absent or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None or match[1] == "0" * 32 or match[2] == "0" * 16:
        return new_trace()
    return TraceContext(match[1], _span_id(), match[2])


def _span_id() -> str:
    return f"{getrandbits(64) or 1:016x}"
