"""How the demo starts its message bus: the NATS server of the PyPI wheel, with a configuration made for it."""

from __future__ import annotations

from keystead.bus.nats.server import find_nats_server, write_server_configuration
from keystead.demo.places import Places


def bus_command(places: Places) -> list[str]:
    """Write the server's keys and configuration, and return the command that starts it.

    Raises: ConfigurationError when there is no nats-server.
    """
    configuration = write_server_configuration(places.directory / "bus", port=places.bus_port)
    return [str(find_nats_server()), "-c", str(configuration)]
