"""Several processes of one server: forked from a parent that has everything loaded, replaced when one dies.

Flow: the parent binds the sockets and forks -> each worker runs its own event loop and store on the shared sockets ->
a worker that dies is replaced within milliseconds, since nothing has to be loaded again -> SIGTERM or SIGINT to the
parent ends them all -> a parent that vanishes takes its workers with it: they see the end of a pipe.
Does not: restart for ever what cannot start: too many deaths in a row end the parent too.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Final

from keystead.core.errors import KeysteadError

Work = Callable[[int, int], None]
"""Runs one worker: its number, and a file descriptor that ends (EOF) when the parent is gone."""

_logger = logging.getLogger("keystead.workers")
_SETTLED_SECONDS: Final = 5.0
_DEATHS_IN_A_ROW: Final = 5


class Workers:
    """The parent's view of its workers."""

    def __init__(self, number: int, work: Work) -> None:
        self._number = number
        self._work = work
        self._pids: dict[int, int] = {}
        self._stopping = False
        self._alive_until_read, self._alive = os.pipe()

    def run(self) -> None:
        """Start the workers and keep them running until a signal.

        Raises: KeysteadError when workers keep dying at once.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for worker in range(self._number):
            self._fork(worker)
        deaths = 0
        began = time.monotonic()
        while self._pids:
            pid, status = os.wait()
            worker = self._pids.pop(pid)
            if self._stopping:
                continue
            if not _was_killed(status):
                deaths = 1 if time.monotonic() - began > _SETTLED_SECONDS else deaths + 1
                began = time.monotonic()
            _logger.error("worker %d ended with status %d", worker, os.waitstatus_to_exitcode(status))
            if deaths >= _DEATHS_IN_A_ROW:
                self._stop(signal.SIGTERM, None)
            else:
                self._fork(worker)
        if deaths >= _DEATHS_IN_A_ROW:
            raise KeysteadError("the workers keep ending; their last log lines say why")

    def _fork(self, worker: int) -> None:
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            self._pids[pid] = worker
            return
        status = 1
        try:
            os.close(self._alive)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            self._work(worker, self._alive_until_read)
            status = 0
        except Exception:
            _logger.exception("worker %d failed", worker)
        finally:
            os._exit(status)

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True
        for pid in self._pids:
            os.kill(pid, signal.SIGTERM)


def _was_killed(status: int) -> bool:
    """Whether somebody else ended a worker: an operator, or the kernel short of memory. It could have started."""
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
