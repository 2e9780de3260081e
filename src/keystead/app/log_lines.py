"""What a server process writes to standard output: its decisions, and everything libraries log, as JSON lines.

Shape: the lines of `keystead.sdk.journal`. What is no decision of ours is one about the process: `process.ready`,
`process.log`; its `facts` hold the rest.
Does not: write anything else to standard output, or two kinds of line.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final

from keystead.core.decisions import Decision, Journal
from keystead.sdk.journal import JsonLinesJournal

READY: Final = "process.ready"
LOG: Final = "process.log"
_QUIET: Final = ("uvicorn", "asyncio", "aiohttp")
_FRAMES: Final = 12
_GATHERING_SECONDS: Final = 0.005


class LogHandler(logging.Handler):
    """Turns records of standard logging into lines of the journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, with the traceback of its exception."""
        facts: dict[str, Any] = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info and record.exc_info[1] is not None:
            facts["exception"] = "".join(traceback.format_exception(record.exc_info[1], limit=-_FRAMES))
        calm = record.levelno < logging.WARNING
        self._journal.record(Decision(LOG, calm, f"log.{record.levelname.lower()}", facts=facts))


class RefusalsOnly:
    """A journal that keeps refusals and drops the rest: `server.log_level: warning`."""

    def __init__(self, journal: JsonLinesJournal) -> None:
        self._journal = journal

    def record(self, decision: Decision) -> None:
        """Write one decision if it says no, or speaks of the process."""
        if not decision.allowed or decision.action == READY:
            self._journal.record(decision)

    def close(self) -> None:
        """Write what still waits."""
        self._journal.close()


ProcessJournal = JsonLinesJournal | RefusalsOnly


def open_journal(service: str, level: str = "info") -> ProcessJournal:
    """Return the journal of this process on standard output, and send standard logging to it."""
    lines = JsonLinesJournal(sys.stdout, service, soon=_in_a_moment)
    journal = RefusalsOnly(lines) if level == "warning" else lines
    root = logging.getLogger()
    root.handlers[:] = [LogHandler(journal)]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return journal


def _in_a_moment(call: Callable[[], None]) -> bool:
    """Arrange for a call on this thread's event loop in a few milliseconds. Return whether there is a loop."""
    try:
        asyncio.get_running_loop().call_later(_GATHERING_SECONDS, call)
    except RuntimeError:
        return False
    return True


def say_ready(journal: Journal, reason: str, **facts: Any) -> None:
    """Write that this process is ready to serve."""
    journal.record(Decision(READY, True, reason, facts=facts))
