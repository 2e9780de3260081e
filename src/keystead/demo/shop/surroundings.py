"""What a service of the shop is told about the world around it: addresses, never secrets.

Shape: one JSON file, written by the demo, its path in `KEYSTEAD_DEMO`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from keystead.core.decisions import Journal
from keystead.sdk.journal import JsonLinesJournal


class Surroundings(msgspec.Struct, frozen=True):
    """Addresses of the shop's parts. `addresses` maps a service to its host:port, `audiences` to its audience."""

    issuer: str
    agent: str
    bus: str
    bus_audience: str
    directory: str
    xray: str
    addresses: dict[str, str]
    audiences: dict[str, str]

    def audience(self, service: str) -> str:
        """Return the audience of the tokens meant for a service."""
        return self.audiences[service]

    def url(self, service: str) -> str:
        """Return the base URL of a service."""
        return f"http://{self.addresses[service]}"

    def port(self, service: str) -> int:
        """Return the port a service listens on."""
        return int(self.addresses[service].rpartition(":")[2])

    def database(self, service: str) -> str:
        """Return the URL of a service's own database."""
        return f"sqlite:///{Path(self.directory) / service}.db"

    def journal(self, service: str) -> Journal:
        """Return the journal of a service: JSON lines on standard output."""
        return JsonLinesJournal(sys.stdout, service=service)


def read_surroundings() -> Surroundings:
    """Read the file named by `KEYSTEAD_DEMO`."""
    return msgspec.json.decode(Path(os.environ["KEYSTEAD_DEMO"]).read_bytes(), type=Surroundings)
