"""From a file to settings that hold together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from keystead.app.certificate_trust import read_authorities
from keystead.app.settings.authorization import store_problems, with_models
from keystead.app.settings.checks import problems
from keystead.app.settings.decode import decode
from keystead.app.settings.document import Document, parse_document, read_document
from keystead.app.settings.realm import AgentEntry, ApiSettings, RealmSettings
from keystead.app.settings.references import fill_in
from keystead.app.settings.settings import Settings
from keystead.app.settings.voucher_checks import with_bundles
from keystead.core.errors import ConfigurationError
from keystead.core.records.realm import REALM_NAME

_PEM: Final = "-----BEGIN CERTIFICATE-----"


def load_settings(path: Path, environment: Mapping[str, str] | None = None, *, agent_keys: bool = True) -> Settings:
    """Read, fill in, decode and check a configuration file.

    `agent_keys` also reads the files that agents write their public keys to; the agent itself cannot wait for them.
    Raises: ConfigurationError, naming file, line and key, and what to write instead.
    """
    return settle(read_document(path), environment, agent_keys=agent_keys)


def settings_from_text(text: str, path: Path = Path("keystead.yaml")) -> Settings:
    """The same for a text, as if it stood at `path`."""
    return settle(parse_document(path, text.encode()), None)


def settle(document: Document, environment: Mapping[str, str] | None, *, agent_keys: bool = True) -> Settings:
    """Turn a parsed document into checked settings."""
    filled = fill_in(document, environment)
    if not isinstance(filled, dict):
        raise document.error((), "the file must be a mapping with `server:` and `realms:`")
    realms = filled.pop("realms", None) or {}
    if not isinstance(realms, dict):
        raise document.error(("realms",), "realms must be a mapping from a realm's name to its settings")
    settings = msgspec.structs.replace(
        decode(document, filled, (), Settings),
        realms={name: _realm(document, name, value, agent_keys=agent_keys) for name, value in realms.items()},
    )
    found = problems(settings)
    if settings.authz is not None:
        found += store_problems(settings.authz, settings.realms, document.path.parent)
    if found:
        raise ConfigurationError("\n".join(f"{document.where(place)}: {message}" for place, message in found))
    if settings.authz is not None:
        authz = with_models(settings.authz, document.path.parent)
        settings = msgspec.structs.replace(settings, authz=authz)
    return _with_bus_audience(settings)


def _with_bus_audience(settings: Settings) -> Settings:
    """Make the bus's audience an API of its realm, unless the file describes it, so that tokens for it exist."""
    bus = settings.bus
    realm = settings.realms.get(bus.realm) if bus is not None else None
    if bus is None or realm is None or any(api.audience == bus.audience for api in realm.apis):
        return settings
    realm = msgspec.structs.replace(realm, apis=(*realm.apis, ApiSettings(audience=bus.audience, name="Message bus")))
    return msgspec.structs.replace(settings, realms={**settings.realms, bus.realm: realm})


def _realm(document: Document, name: str, value: Any, *, agent_keys: bool) -> RealmSettings:
    place = ("realms", name)
    if not REALM_NAME.fullmatch(name):
        raise document.error(place, f"`{name}` cannot name a realm; use a-z, 0-9, - and _, at most 63 characters")
    realm = decode(document, value or {}, place, RealmSettings)
    if not agent_keys:
        return realm
    realm = with_bundles(document, place, _with_authorities(document, place, realm))
    agents = tuple(_with_keys(document, (*place, "agents", index), agent) for index, agent in enumerate(realm.agents))
    return msgspec.structs.replace(realm, agents=agents)


def _with_keys(document: Document, place: tuple[str | int, ...], agent: AgentEntry) -> AgentEntry:
    """Read an agent's public keys from the file it names."""
    if not agent.jwks_file:
        return agent
    path = document.path.parent / agent.jwks_file
    try:
        jwks = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        reason = f"{error.strerror or error}; start the agent once, it writes its public keys there"
        raise document.error((*place, "jwks_file"), f"cannot read {path}: {reason}") from error
    except msgspec.DecodeError as error:
        raise document.error((*place, "jwks_file"), f"{path} is not a JSON Web Key Set: {error}") from error
    return msgspec.structs.replace(agent, jwks=jwks, jwks_file="")


def _with_authorities(document: Document, place: tuple[str | int, ...], realm: RealmSettings) -> RealmSettings:
    """Read the authorities of client certificates from the file the realm names, unless it writes them out."""
    if not realm.client_certificate_authorities:
        return realm
    written, where = realm.client_certificate_authorities, (*place, "client_certificate_authorities")
    inline = _PEM in written
    path = document.path if inline else document.path.parent / written
    try:
        pem = written if inline else path.read_text("ascii")
        read_authorities(pem)
    except OSError as error:
        raise document.error(where, f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise document.error(where, f"{path} holds no certificates in PEM: {error}") from error
    return msgspec.structs.replace(realm, client_certificate_authorities=pem)
