"""Where everything of one run of the demo listens and lives, and what its services are told of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from keystead.demo.shop.surroundings import Surroundings

REALM = "northfold"
DOMAIN = "northfold.example"
SERVICES = ("catalog", "orders", "inventory", "billing")


class Places(msgspec.Struct, frozen=True):
    """Where everything of one run listens and lives."""

    directory: Path
    issuer_port: int
    management_port: int
    gateway_port: int
    gateway_management_port: int
    bus_port: int
    xray_port: int
    service_ports: dict[str, int]

    @property
    def base_url(self) -> str:
        """The issuer's side lives on 127.0.0.1, the shop's on localhost: two sites to a browser, as in real life."""
        return f"http://127.0.0.1:{self.issuer_port}"

    @property
    def issuer(self) -> str:
        """The realm's issuer identifier."""
        return f"{self.base_url}/realms/{REALM}"

    @property
    def shop_url(self) -> str:
        """Where a person clicks."""
        return f"http://localhost:{self.gateway_port}"

    @property
    def xray_url(self) -> str:
        """Where the X-ray page is."""
        return f"http://localhost:{self.xray_port}"

    @property
    def agent_socket(self) -> str:
        """The agent's unix socket."""
        return str(self.directory / "agent" / "agent.sock")

    @property
    def config_file(self) -> Path:
        """The configuration file."""
        return self.directory / "keystead.yaml"


def audience(service: str) -> str:
    """Return the audience of a service's tokens."""
    return f"https://{service}.{DOMAIN}"


def write_surroundings(places: Places) -> Path:
    """Write what the shop's services read, and return its path."""
    surroundings = Surroundings(
        issuer=places.issuer,
        agent=places.agent_socket,
        bus=f"nats://127.0.0.1:{places.bus_port}",
        bus_audience=audience("bus"),
        directory=str(places.directory),
        xray=places.xray_url,
        addresses={name: f"127.0.0.1:{port}" for name, port in places.service_ports.items()},
        audiences={name: audience(name) for name in SERVICES},
    )
    path = places.directory / "shop.json"
    path.write_bytes(msgspec.json.encode(surroundings))
    return path
