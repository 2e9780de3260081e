"""The `unix` attestor: user, group, control group, systemd unit and program of a process, asked of the kernel.

Does not: trust the program alone. Any local user can connect, fork, and let the parent exec the expected program while
the child keeps the socket; so `executable` and `executable_sha256` count only beside `user` or `uid`. The program of an
interpreted service is the interpreter; tell such services apart by user or unit.
"""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from keystead.core.decisions import Check
from keystead.core.errors import ConfigurationError
from keystead.workload.attestor import Attestor, Selectors
from keystead.workload.peer import Peer, PeerGone

NOBODY: Final = -1
_DELETED: Final = " (deleted)"
_CHUNK: Final = 1 << 20
_REMEMBERED_PROGRAMS: Final = 256


class UnixSelectors(Selectors, frozen=True, kw_only=True):
    """Selectors of the `unix` attestor. All that are given must hold.

    `user` or `uid`: the real, effective and saved user of the process. `group` or `gid`: its group, or one of its
    supplementary groups. `cgroup`: its control group path, exactly, or everything below it when it ends in `/`.
    `systemd_unit`: the unit of the system manager it runs in. `executable`: the path of its program.
    `executable_sha256`: the hex digest of that very file.
    """

    user: str | None = None
    uid: int | None = None
    group: str | None = None
    gid: int | None = None
    cgroup: str | None = None
    systemd_unit: str | None = None
    executable: str | None = None
    executable_sha256: str | None = None


class UnixAttestor(Attestor[UnixSelectors]):
    """Finds kernel facts. Remembers program digests by device, inode, size and change time."""

    name = "unix"
    selectors = UnixSelectors

    def __init__(self) -> None:
        self._digests: dict[tuple[int, int, int, int, int], str] = {}

    def resolve(self, selectors: UnixSelectors, where: str) -> UnixSelectors:
        """Turn names into numbers once; a name unknown on this machine matches nobody."""
        by_program = selectors.executable is not None or selectors.executable_sha256 is not None
        if by_program and selectors.user is None and selectors.uid is None:
            message = "executable and executable_sha256 prove nothing by themselves; give user or uid beside them"
            raise ConfigurationError(message, where=where)
        if selectors.user is not None and selectors.uid is not None:
            raise ConfigurationError("give user or uid, not both", where=where)
        if selectors.group is not None and selectors.gid is not None:
            raise ConfigurationError("give group or gid, not both", where=where)
        uid = selectors.uid if selectors.user is None else _uid_of(selectors.user)
        gid = selectors.gid if selectors.group is None else _gid_of(selectors.group)
        return msgspec.structs.replace(selectors, uid=uid, gid=gid)

    def facts(self, peer: Peer) -> Mapping[str, Any]:
        """Return pid, uid, gid and, where we may see it, the path of the program."""
        found: dict[str, Any] = {"pid": peer.pid, "uid": peer.uid, "gid": peer.gid}
        program = peer.open_executable()
        if program is not None:
            os.close(program[1])
            found["exe"] = program[0].removesuffix(_DELETED)
        return found

    def match(self, selectors: UnixSelectors, peer: Peer) -> tuple[Check, ...]:
        """Compare each selector that is given."""
        checks: list[Check] = []
        if selectors.uid is not None:
            checks.append(_check_user(selectors.uid, peer))
        if selectors.gid is not None:
            checks.append(_check_group(selectors.gid, peer))
        if selectors.cgroup is not None:
            checks.append(_check_cgroup(selectors.cgroup, cgroup_path(peer.read("cgroup"))))
        if selectors.systemd_unit is not None:
            unit = system_unit(cgroup_path(peer.read("cgroup")))
            why = f"runs in {unit}" if unit else "runs in no unit of the system manager"
            checks.append(Check("unix.systemd_unit", unit == selectors.systemd_unit, why))
        if all(check.passed for check in checks):
            checks.extend(self._check_program(selectors, peer))
        return tuple(checks)

    def _check_program(self, selectors: UnixSelectors, peer: Peer) -> list[Check]:
        if selectors.executable is None and selectors.executable_sha256 is None:
            return []
        program = peer.open_executable()
        if program is None:
            return [Check("unix.executable", False, "the agent may not look at this process; run it as root")]
        path, descriptor = program
        try:
            checks = []
            if selectors.executable is not None:
                checks.append(Check("unix.executable", path == selectors.executable, f"runs {path}"))
            if selectors.executable_sha256 is not None:
                digest = self._digest(descriptor)
                same = digest == selectors.executable_sha256.lower()
                checks.append(Check("unix.executable_sha256", same, f"its program has digest {digest}"))
            return checks
        finally:
            os.close(descriptor)

    def _digest(self, descriptor: int) -> str:
        status = os.fstat(descriptor)
        key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        known = self._digests.get(key)
        if known is None:
            digest = hashlib.sha256()
            while chunk := os.read(descriptor, _CHUNK):
                digest.update(chunk)
            if len(self._digests) >= _REMEMBERED_PROGRAMS:
                self._digests.clear()
            known = self._digests[key] = digest.hexdigest()
        return known


def cgroup_path(text: str) -> str:
    """Return the control group of a /proc/PID/cgroup file: of version 2, or else of the systemd hierarchy."""
    paths = {controllers: path for _, controllers, path in _cgroup_lines(text)}
    unified = paths.get("", "")
    return unified if unified not in {"", "/"} else paths.get("name=systemd", unified)


def system_unit(path: str) -> str:
    """Return the unit of the *system* manager in a control group path, or an empty text.

    It is the first component that is not a slice. What follows belongs to the unit itself: a user's own manager may
    make `user@1000.service/app.slice/orders.service`, which must not count as `orders.service`.
    """
    for component in path.split("/")[1:]:
        if not component.endswith(".slice"):
            return component if component.endswith((".service", ".scope")) else ""
    return ""


def _cgroup_lines(text: str) -> list[tuple[str, str, str]]:
    lines = (line.split(":", 2) for line in text.splitlines())
    return [(parts[0], parts[1], parts[2]) for parts in lines if len(parts) == 3]


def _check_cgroup(wanted: str, path: str) -> Check:
    inside = path.startswith(wanted) if wanted.endswith("/") else path == wanted
    return Check("unix.cgroup", inside and ".." not in path.split("/"), f"runs in control group {path or 'none'}")


def _check_user(uid: int, peer: Peer) -> Check:
    """Demand that the user it connected as is its real, effective and saved user still.

    A set-user-id program that somebody else started has a real user that differs.
    """
    users = _numbers(peer, "Uid")[:3]
    if uid == NOBODY:
        return Check("unix.user", False, "the user named by the rule does not exist on this machine")
    if peer.uid != uid:
        return Check("unix.user", False, f"connected as uid {peer.uid}")
    return Check("unix.user", set(users) == {uid}, f"real, effective and saved uid are {users}")


def _check_group(gid: int, peer: Peer) -> Check:
    if gid == NOBODY:
        return Check("unix.group", False, "the group named by the rule does not exist on this machine")
    groups = {peer.gid, *_numbers(peer, "Groups")}
    return Check("unix.group", gid in groups, f"has groups {sorted(groups)}")


def _numbers(peer: Peer, field: str) -> list[int]:
    for line in peer.read("status").splitlines():
        name, _, values = line.partition(":")
        if name == field:
            return [int(value) for value in values.split()]
    raise PeerGone(f"/proc/{peer.pid}/status has no {field}")


def _uid_of(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return NOBODY


def _gid_of(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return NOBODY
