"""The `agent` section of the configuration file."""

from __future__ import annotations

import msgspec


class SupervisedProcess(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A process the agent starts itself, so that `attest: {spawned: {name: ...}}` can recognise it.

    `command` is the program and its arguments; no shell reads it. `environment` adds to the agent's own. `user` starts
    it as another user, which takes an agent that runs as root. `output` appends what it prints to a file.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}
    directory: str = ""
    user: str = ""
    output: str = ""


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The node agent, `keystead agent`.

    `name` is the agent's name at the issuer (`realms.NAME.agents[].name`), `issuer` the realm's issuer URL, `realm` the
    realm of this file whose workloads it attests. `socket` is where processes ask; `socket_mode` who may connect
    (attestation decides what they get). `state_directory` holds the agent's key. `requests_per_second` bounds each
    local user, `connections_per_user` how many requests of one may be open at a time. `run` lists processes to start.
    `danger_allow_plain_http` sends assertions and tokens in the clear to an issuer that is not on this machine.
    """

    name: str
    issuer: str
    realm: str = ""
    socket: str = "/run/keystead/agent.sock"
    socket_mode: str = "0666"
    state_directory: str = "/var/lib/keystead/agent"
    requests_per_second: int = 500
    connections_per_user: int = 64
    run: tuple[SupervisedProcess, ...] = ()
    danger_allow_plain_http: bool = False
