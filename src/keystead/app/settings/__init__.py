"""The configuration file: one YAML document, read strictly, wrong in words an operator can act on.

Flow: `document` parses and remembers lines, `references` fills in secrets, `decode` makes typed settings and names the
line of what it refuses, `checks` looks at what only several settings together get wrong.
Does not: write anything. `keystead.app.apply` brings a running system to what the settings say.
"""

from keystead.app.settings.client import ClientSettings
from keystead.app.settings.load import load_settings
from keystead.app.settings.realm import (
    AgentEntry,
    ApiSettings,
    ExchangeSettings,
    RealmSettings,
    RoleSettings,
    UserSettings,
    WorkloadSettings,
)
from keystead.app.settings.schema import json_schema
from keystead.app.settings.server import ServerSettings
from keystead.app.settings.settings import Settings

__all__ = [
    "AgentEntry",
    "ApiSettings",
    "ClientSettings",
    "ExchangeSettings",
    "RealmSettings",
    "RoleSettings",
    "ServerSettings",
    "Settings",
    "UserSettings",
    "WorkloadSettings",
    "json_schema",
    "load_settings",
]
