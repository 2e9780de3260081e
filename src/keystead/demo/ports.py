"""Ports on loopback: the usual one where it is free, another where it is not."""

from __future__ import annotations

import socket


def free_port(preferred: int, taken: set[int]) -> int:
    """Return `preferred` when nothing listens there, else a port the system picks. Remembers it in `taken`."""
    for candidate in (preferred, 0):
        port = _bindable(candidate)
        if port and port not in taken:
            taken.add(port)
            return port
    return free_port(0, taken)


def _bindable(port: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            # A listener with SO_REUSEPORT lets a second bind through: only listening tells.
            probe.listen(1)
        except OSError:
            return 0
        return int(probe.getsockname()[1])
