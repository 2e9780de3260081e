"""The process at the other end of a unix socket, held so firmly that no other process can slip into its place.

Flow: `open_peer` asks the kernel who connected (SO_PEERCRED) and for a pidfd of exactly that process (SO_PEERPIDFD,
Linux 6.5 and later; before, a pidfd opened by number, which the start time must confirm). What is then read from /proc
counts only if the pidfd still says alive afterwards: a pid is not reused while its process lives.
Does not: judge. Attestors read facts through `Peer`; `rules` decides.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from types import TracebackType
from typing import Final

from keystead.core.decisions import Denied

SO_PEERPIDFD: Final = 77
"""From `asm-generic/socket.h`; Python does not name it."""

_UCRED: Final = struct.Struct("3i")
_MAXIMUM_PROC_FILE: Final = 65_536
_START_TIME_AFTER_COMMAND: Final = 19
"""Field 22 of /proc/PID/stat, counted from the state that follows the command in parentheses."""


class PeerGone(Exception):
    """The process ended, or cannot be looked at, before it was known who it is."""


class Peer:
    """One process: its kernel credentials at the time it connected, a pidfd, and a door to its /proc entry.

    Holds two descriptors: use it as a context manager, or close it.
    """

    __slots__ = ("_directory", "gid", "pid", "pidfd", "uid")

    def __init__(self, pid: int, uid: int, gid: int, pidfd: int, directory: int) -> None:
        self.pid = pid
        self.uid = uid
        self.gid = gid
        self.pidfd = pidfd
        self._directory = directory

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the process. Call it once."""
        os.close(self.pidfd)
        os.close(self._directory)

    def alive(self) -> bool:
        """Whether the process still runs. A zombie does not."""
        return not process_ended(self.pidfd)

    def read(self, name: str) -> str:
        """Return one small file of the process's /proc entry.

        Raises: PeerGone when it cannot be read, which for the files everyone may read means the process ended.
        """
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory)
            with open(descriptor, "rb") as file:
                return file.read(_MAXIMUM_PROC_FILE).decode("utf-8", "surrogateescape")
        except OSError as error:
            raise PeerGone(f"/proc/{self.pid}/{name}: {error.strerror}") from error

    def open_executable(self) -> tuple[str, int] | None:
        """Return the path of the running program and a descriptor of that very file, or None without permission.

        The caller closes the descriptor. Looking at another user's process takes CAP_SYS_PTRACE, or root.
        """
        try:
            return os.readlink("exe", dir_fd=self._directory), os.open(
                "exe", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory
            )
        except OSError:
            return None


def process_ended(pidfd: int) -> bool:
    """Whether the process of a pidfd has ended (reaped or not)."""
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    return bool(poller.poll(0))


def boot_clock() -> float:
    """Return seconds since boot, the clock that process start times are told in."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def open_peer(connection: socket.socket, accepted_at: float) -> Peer | Denied:
    """Hold the process that made a connection, accepted at `accepted_at` on the boot clock."""
    try:
        pid, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
        if pid <= 0:
            return Denied("peer.invisible", "the peer lives in another pid namespace, so nothing can be known of it")
        return _hold(connection, pid, uid, gid, accepted_at)
    except (OSError, PeerGone) as error:
        return Denied("peer.gone", f"the process that connected has ended ({error.__class__.__name__})")


def _hold(connection: socket.socket, pid: int, uid: int, gid: int, accepted_at: float) -> Peer | Denied:
    by_kernel = _peer_pidfd(connection)
    pidfd = os.pidfd_open(pid) if by_kernel is None else by_kernel
    try:
        directory = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        os.close(pidfd)
        raise
    peer = Peer(pid, uid, gid, pidfd, directory)
    try:
        if by_kernel is None and _started_at(peer) > accepted_at:
            return _refuse(peer, "peer.gone", "the process that connected has ended, its number is another's now")
        if not peer.alive():
            return _refuse(peer, "peer.gone", "the process that connected has ended")
    except PeerGone:
        return _refuse(peer, "peer.gone", "the process that connected has ended")
    return peer


def _refuse(peer: Peer, reason: str, detail: str) -> Denied:
    peer.close()
    return Denied(reason, detail)


def _peer_pidfd(connection: socket.socket) -> int | None:
    """Return the kernel's pidfd of the peer, or None where the kernel has no such option.

    Raises: OSError when the peer was reaped.
    """
    try:
        pidfd = connection.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD)
    except OSError as error:
        if error.errno == errno.ENOPROTOOPT:  # older than Linux 6.5
            return None
        raise
    os.set_inheritable(pidfd, False)
    return pidfd


def _started_at(peer: Peer) -> float:
    fields = peer.read("stat").rpartition(")")[2].split()
    return int(fields[_START_TIME_AFTER_COMMAND]) / os.sysconf("SC_CLK_TCK")
