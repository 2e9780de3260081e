"""The one configuration file of the demo, and the small JSON file its services read.

Shape: exactly what a user would write; `keystead demo --keep` leaves both on disk to be read and changed.
"""

from __future__ import annotations

import secrets
import sys
from typing import Any

import msgspec
import yaml

from keystead.demo.places import DOMAIN, REALM, Places, audience

PEOPLE = {
    "alice": ("Alice Berg", ["customer"]),
    "bob": ("Bob Sato", ["customer"]),
    "carol": ("Carol Diop", ["customer", "support"]),
}
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant
SENDER, RECEIVER = "probe-sender", "probe-receiver"
SESSION_SCOPE = "openid profile catalog:read orders:read orders:write inventory:reserve billing:read"


class CheckClient(msgspec.Struct, frozen=True):
    """A client that only `--check` knows: it asks for what no honest caller would, and must be refused."""

    client_id: str
    client_secret: str
    redirect_uri: str


def write_configuration(places: Places, passwords: dict[str, str], check: CheckClient | None) -> None:
    """Write `keystead.yaml`, readable by its owner only."""
    document = configuration(places, passwords, check)
    places.config_file.touch(mode=0o600)
    places.config_file.write_text("# Written by `keystead demo`.\n" + yaml.safe_dump(document, sort_keys=False))


def configuration(places: Places, passwords: dict[str, str], check: CheckClient | None) -> dict[str, Any]:
    """Return the configuration as it is written."""
    directory = places.directory
    return {
        "server": {
            "base_url": places.base_url,
            "listen": f"127.0.0.1:{places.issuer_port}",
            "management_listen": f"127.0.0.1:{places.management_port}",
            "database": f"sqlite:///{directory}/keystead.db",
            "outbound": {"allow": ["127.0.0.0/8", "::1/128"]},
        },
        "realms": {
            REALM: {
                "display_name": "Northfold Outfitters",
                "clients": _clients(places, check),
                "users": [_user(name, passwords[name]) for name in PEOPLE],
                "apis": _apis(),
                "workloads": _workloads(check),
                "agents": [
                    {
                        "name": "demo-node",
                        "jwks_file": str(directory / "agent" / "agent-public.json"),
                        "workloads": [workload["name"] for workload in _workloads(check)],
                    }
                ],
            }
        },
        "bus": _bus(places),
        "gateway": _gateway(places),
        "agent": _agent(places, check),
    }


def _clients(places: Places, check: CheckClient | None) -> list[dict[str, Any]]:
    clients: list[dict[str, Any]] = [
        {
            "client_id": "shop-bff",
            "client_name": "Northfold Outfitters",
            "token_endpoint_auth_method": "workload",
            "workload": "gateway",
            "redirect_uris": [f"{places.shop_url}/bff/callback"],
            "post_logout_redirect_uris": [f"{places.shop_url}/"],
            "backchannel_logout_uri": f"{places.shop_url}/bff/backchannel-logout",
            "grant_types": ["authorization_code", "refresh_token", TOKEN_EXCHANGE],
            "scope": SESSION_SCOPE,
        }
    ]
    if check:
        clients.append(
            {
                "client_id": check.client_id,
                "client_name": "Checks of the demo",
                "client_secret": check.client_secret,
                "redirect_uris": [check.redirect_uri],
                "grant_types": ["authorization_code", "refresh_token", "client_credentials", TOKEN_EXCHANGE],
                "scope": SESSION_SCOPE,
                "access_token_format": "jwt",
                "skip_consent": True,
            }
        )
    return clients


def _user(username: str, password: str) -> dict[str, Any]:
    name, roles = PEOPLE[username]
    return {
        "username": username,
        "password": password,
        "name": name,
        "given_name": name.split()[0],
        "email": f"{username}@{DOMAIN}",
        "email_verified": True,
        "roles": roles,
    }


def _apis() -> list[dict[str, Any]]:
    return [
        {
            "audience": audience("catalog"),
            "name": "Catalog",
            "scopes": ["catalog:read"],
            "scope_descriptions": {"catalog:read": "See what the shop sells"},
            "served_by": "catalog",
            "exchange": {"from": ["shop-bff"]},
        },
        {
            "audience": audience("orders"),
            "name": "Orders",
            "scopes": ["orders:read", "orders:write"],
            "scope_descriptions": {"orders:read": "See your orders", "orders:write": "Place orders for you"},
            "served_by": "orders",
            "exchange": {"from": ["shop-bff"]},
        },
        {
            "audience": audience("inventory"),
            "name": "Inventory",
            "scopes": ["inventory:reserve"],
            "scope_descriptions": {"inventory:reserve": "Reserve goods for your orders"},
            "served_by": "inventory",
            "exchange": {"from": ["orders"]},
        },
        {
            "audience": audience("billing"),
            "name": "Billing",
            "scopes": ["billing:read"],
            "scope_descriptions": {"billing:read": "See your invoices"},
            "served_by": "billing",
            "exchange": {"from": ["shop-bff"]},
        },
        {"audience": audience("bus"), "name": "Message bus", "scopes": ["bus:connect"]},
    ]


def _workloads(check: CheckClient | None) -> list[dict[str, Any]]:
    workloads = [
        {"name": "gateway", "attest": {"spawned": {"name": "gateway"}}},
        _on_the_bus("orders", "bus-sender"),
        _on_the_bus("billing", "bus-receiver"),
    ]
    if check:
        workloads += [_on_the_bus(SENDER, "bus-sender"), _on_the_bus(RECEIVER, "bus-receiver")]
    return workloads


def _on_the_bus(name: str, role: str) -> dict[str, Any]:
    return {
        "name": name,
        "attest": {"spawned": {"name": name}},
        "scope": "bus:connect",
        "audiences": [audience("bus")],
        "roles": [{"role": role, "on": "orders.>"}],
    }


def _gateway(places: Places) -> dict[str, Any]:
    def route(path: str, service: str, scopes: list[str]) -> dict[str, Any]:
        upstream = f"http://127.0.0.1:{places.service_ports[service]}/"
        return {"path": path, "upstream": upstream, "audience": audience(service), "scopes": scopes}

    return {
        "listen": f"127.0.0.1:{places.gateway_port}",
        "management_listen": f"127.0.0.1:{places.gateway_management_port}",
        "public_url": places.shop_url,
        "issuer": places.issuer,
        "client_id": "shop-bff",
        "agent_socket": places.agent_socket,
        "database": f"sqlite:///{places.directory}/gateway.db",
        "scopes": SESSION_SCOPE.split(),
        "routes": [
            route("/api/catalog/", "catalog", ["catalog:read"]),
            route("/api/orders/", "orders", ["orders:read", "orders:write", "inventory:reserve"]),
            route("/api/billing/", "billing", ["billing:read"]),
            {"path": "/", "upstream": f"http://127.0.0.1:{places.service_ports['catalog']}/", "public": True},
        ],
    }


def _agent(places: Places, check: CheckClient | None) -> dict[str, Any]:
    def service(name: str) -> dict[str, Any]:
        return _run(places, name, ["-m", "keystead.demo.shop.service", name])

    processes = [
        _run(places, "gateway", ["-m", "keystead.cli.main", "gateway", "--config", str(places.config_file)]),
        service("orders"),
        service("billing"),
    ]
    if check:
        processes += [_run(places, name, ["-m", "keystead.demo.check.bus_probe", name]) for name in (SENDER, RECEIVER)]
    return {
        "name": "demo-node",
        "issuer": places.issuer,
        "realm": REALM,
        "socket": places.agent_socket,
        "socket_mode": "0600",
        "state_directory": str(places.directory / "agent"),
        "run": processes,
    }


def _run(places: Places, name: str, arguments: list[str]) -> dict[str, Any]:
    environment = {"KEYSTEAD_DEMO": str(places.directory / "shop.json"), "KEYSTEAD_AGENT": places.agent_socket}
    return {"name": name, "command": [sys.executable, *arguments], "environment": environment}


def _bus(places: Places) -> dict[str, Any]:
    return {
        "driver": "nats",
        "url": f"nats://127.0.0.1:{places.bus_port}",
        "realm": REALM,
        "audience": audience("bus"),
        "directory": str(places.directory / "bus"),
    }


def new_password() -> str:
    """Return a password somebody can type: four short groups, about 80 bits."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))
