"""The whole file."""

from __future__ import annotations

import msgspec

from keystead.app.settings.authorization import AuthorizationSettings
from keystead.app.settings.realm import RealmSettings
from keystead.app.settings.server import ServerSettings
from keystead.bus.settings import BusSettings
from keystead.gateway.settings import GatewaySettings
from keystead.workload.settings import AgentSettings


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything one file can say. Each command reads the sections it needs: `serve` the server, realms and bus,
    `gateway` the gateway, `agent` the agent and the workloads of its realm. `authz` has the stores of the
    authorization API.
    """

    server: ServerSettings | None = None
    realms: dict[str, RealmSettings] = {}
    bus: BusSettings | None = None
    gateway: GatewaySettings | None = None
    agent: AgentSettings | None = None
    authz: AuthorizationSettings | None = None
