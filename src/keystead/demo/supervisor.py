"""The demo's processes: started together, watched, stopped together.

Does not: share a terminal with its children. They run in sessions of their own, so that Ctrl-C reaches only the demo,
which then stops them in order; the kernel ends them should the demo itself be killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

STOP_SECONDS = 6.0
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class Child:
    """One process, its log file, and a thread that reads what it says."""

    def __init__(
        self, name: str, process: subprocess.Popen[bytes], log: Path, on_line: Callable[[bytes], None]
    ) -> None:
        self.name = name
        self.process = process
        self.log = log
        self._on_line = on_line
        self._reader = threading.Thread(target=self._read, name=f"read-{name}", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines, self.log.open("ab") as file:
            for line in lines:
                file.write(line)
                file.flush()
                self._on_line(line)

    def drain(self) -> None:
        """Read what the ended process still had to say."""
        self._reader.join(STOP_SECONDS)

    def last_words(self, lines: int = 12) -> str:
        """Return the end of the log, for an error message."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class Supervisor:
    """Starts and stops the demo's processes."""

    def __init__(self, directory: Path, on_line: Callable[[bytes], None]) -> None:
        self._logs = directory / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._on_line = on_line
        self.children: list[Child] = []

    def start(self, name: str, command: Sequence[str], environment: dict[str, str] | None = None) -> Child:
        """Start a process; its output goes to its log file and to whoever listens."""
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        child = Child(name, process, self._logs / f"{name}.log", self._on_line)
        self.children.append(child)
        return child

    def first_dead(self) -> Child | None:
        """Return a process that ended although nobody asked it to."""
        return next((child for child in self.children if child.process.poll() is not None), None)

    def stop(self) -> list[str]:
        """Stop everything, last started first. Answer: the names of those that had to be killed."""
        for child in reversed(self.children):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        killed = [child.name for child in reversed(self.children) if not _ended_by(child, deadline)]
        for child in self.children:
            child.drain()
        return killed


def _ended_by(child: Child, deadline: float) -> bool:
    try:
        child.process.wait(max(0.05, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        child.process.kill()
        child.process.wait()
        return False
    return True


def _die_with_parent() -> None:
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
