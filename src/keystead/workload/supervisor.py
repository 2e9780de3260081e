"""Processes the agent starts itself, and recognises by the pidfd it holds of each from the first moment.

Flow: `start` forks, execs and registers without giving the event loop a turn in between, so a child cannot ask before
it is known; its end is seen on the pidfd, and only then is it reaped.
Does not: start a process again that ended, or count its children as it (see `attestors.spawned`). When the agent itself
is killed, they live on, unknown to the next one.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import msgspec

from keystead.core.errors import ConfigurationError
from keystead.workload.peer import process_ended
from keystead.workload.settings import SupervisedProcess

SOCKET_VARIABLE: Final = "KEYSTEAD_AGENT"
GRACE: Final = 5.0


class Child(msgspec.Struct, frozen=True):
    """A process we started. `pidfd` names it and nobody else."""

    name: str
    process: subprocess.Popen[bytes]
    pidfd: int
    ended: asyncio.Event


Ended = Callable[[str, int], None]
"""Told when a child ended: its name and its exit status (negative: the signal)."""


class Supervisor:
    """Starts processes, knows them, ends them."""

    def __init__(self, socket_path: Path, on_end: Ended) -> None:
        self._socket_path = socket_path
        self._on_end = on_end
        self._children: dict[int, Child] = {}
        self._statuses: dict[str, int] = {}

    def name_of(self, pid: int) -> str | None:
        """Return the name under which the living child `pid` was started, or None."""
        child = self._children.get(pid)
        return child.name if child is not None and not process_ended(child.pidfd) else None

    def start(self, wanted: SupervisedProcess) -> int:
        """Start one process and return its pid.

        Raises: ConfigurationError when its program, directory or user is not there.
        """
        where = f"agent.run {wanted.name}"
        if not wanted.command:
            raise ConfigurationError("the command is empty", where=where)
        output = open(wanted.output, "ab") if wanted.output else None  # noqa: SIM115 - closed below, the child has its own
        try:
            process = self._spawn(wanted, output)
        except (OSError, LookupError, subprocess.SubprocessError) as error:
            raise ConfigurationError(f"cannot start {wanted.command[0]}: {error}", where=where) from error
        finally:
            if output is not None:
                output.close()
        child = Child(wanted.name, process, os.pidfd_open(process.pid), asyncio.Event())
        self._children[process.pid] = child
        asyncio.get_running_loop().add_reader(child.pidfd, self._reap, child)
        return process.pid

    async def wait(self) -> None:
        """Wait until every child has ended."""
        await asyncio.gather(*(child.ended.wait() for child in list(self._children.values())))

    async def wait_for(self, name: str) -> int:
        """Wait until every child of this name has ended, and return the exit status of the last."""
        await asyncio.gather(*(child.ended.wait() for child in list(self._children.values()) if child.name == name))
        return self._statuses.get(name, 0)

    async def stop(self) -> None:
        """Ask every child to end (SIGTERM), and after a while make it (SIGKILL)."""
        children = list(self._children.values())
        for child in children:
            _signal(child, signal.SIGTERM)
        try:
            async with asyncio.timeout(GRACE):
                await self.wait()
        except TimeoutError:
            for child in children:
                _signal(child, signal.SIGKILL)
            await self.wait()

    def _spawn(self, wanted: SupervisedProcess, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **wanted.environment, SOCKET_VARIABLE: str(self._socket_path)}
        return subprocess.Popen(  # noqa: S603 - the operator's own command, without a shell
            wanted.command,
            cwd=wanted.directory or None,
            env=environment,
            user=wanted.user or None,
            group=pwd.getpwnam(wanted.user).pw_gid if wanted.user else None,
            extra_groups=_groups_of(wanted.user) if wanted.user else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            start_new_session=True,
        )

    def _reap(self, child: Child) -> None:
        asyncio.get_running_loop().remove_reader(child.pidfd)
        del self._children[child.process.pid]
        status = child.process.wait()
        os.close(child.pidfd)
        self._statuses[child.name] = status
        child.ended.set()
        self._on_end(child.name, status)


def _groups_of(user: str) -> list[int]:
    return os.getgrouplist(user, pwd.getpwnam(user).pw_gid)


def _signal(child: Child, number: signal.Signals) -> None:
    if not child.ended.is_set():
        signal.pidfd_send_signal(child.pidfd, number)
