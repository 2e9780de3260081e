"""The socket file: made where nobody else can put one, by one agent at a time, open to whom the settings say.

Does not: rely on the file's mode for identity. Whoever may connect is attested.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Final

from keystead.core.errors import ConfigurationError
from keystead.sdk.private_files import require_private_directory

_WHERE: Final = "agent.socket"
_MAXIMUM_PATH: Final = 107


def listen_on(place: str, mode: str) -> tuple[Path, socket.socket]:
    """Return the absolute path and a listening socket there, with permission bits `mode` (octal digits, as 0666).

    Raises: ConfigurationError when others could replace the file, another agent answers there, or something that is
    no dead socket of ours is in the way.
    """
    path = Path(place).absolute()
    if len(os.fsencode(path)) > _MAXIMUM_PATH:
        raise ConfigurationError(
            f"the path is longer than the {_MAXIMUM_PATH} bytes a unix socket can have", where=_WHERE
        )
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    require_private_directory(path.parent, _WHERE)
    bits = _permissions(mode)
    _clear_away(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(os.fspath(path))
    except OSError as error:
        listening.close()
        raise ConfigurationError(f"cannot listen at {path}: {error.strerror}", where=_WHERE) from error
    finally:
        os.umask(before)
    path.chmod(bits)
    listening.setblocking(False)
    return path, listening


def _permissions(mode: str) -> int:
    try:
        bits = int(mode, 8)
    except ValueError:
        bits = -1
    if not 0 <= bits <= 0o777 or bits & 0o111:
        raise ConfigurationError("write the mode as octal digits such as 0660 or 0666", where="agent.socket_mode")
    return bits


def _clear_away(path: Path) -> None:
    """Remove a socket that a dead agent of ours left, and nothing else."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
        raise ConfigurationError(f"{path} exists and is no socket of ours; choose another path", where=_WHERE)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError:
            pass
    raise ConfigurationError(f"another agent answers at {path}; stop it first", where=_WHERE)
