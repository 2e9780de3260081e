"""A running issuer: one or more `keystead serve` processes on one database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.harness.browser import Browser
from tests.harness.configuration import REALM, shop_configuration
from tests.harness.databases import server_settings, usual
from tests.harness.oauth_client import OAuthClient
from tests.harness.person import Person, http_wire
from tests.harness.processes import Process, free_port
from tests.harness.witness import Witness


class RunningIssuer:
    """The issuer. Change `configuration` before `start`; `processes` are all that were ever started."""

    def __init__(self, directory: Path, session: aiohttp.ClientSession, database: str = "") -> None:
        self.directory = directory
        self.session = session
        self.port = free_port()
        self.management_port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.configuration: dict[str, Any] = shop_configuration(self.base_url, f"127.0.0.1:{self.port}")
        self.configuration["server"] |= server_settings(database or usual(), directory)
        self.configuration["server"]["management_listen"] = f"127.0.0.1:{self.management_port}"
        self.witness = Witness()
        self.processes: list[Process] = []

    @property
    def url(self) -> str:
        """The issuer identifier."""
        return f"{self.base_url}/realms/{REALM}"

    @property
    def realm(self) -> dict[str, Any]:
        """The realm's part of the configuration."""
        realm: dict[str, Any] = self.configuration["realms"][REALM]
        return realm

    @property
    def process(self) -> Process:
        """The first process."""
        return self.processes[0]

    def write(self, name: str = "keystead.yaml", *, listen: str = "", management: str = "") -> Path:
        """Write the configuration file and return its path."""
        server = dict(self.configuration["server"])
        server |= {"listen": listen or server["listen"]}
        server |= {"management_listen": management or server.get("management_listen", "")}
        path = self.directory / name
        path.write_text(yaml.safe_dump({**self.configuration, "server": server}, sort_keys=False))
        self._remember_secrets()
        return path

    async def start(self, *arguments: str) -> float:
        """Start the first process and wait until it is ready. Returns the seconds that took."""
        process = Process(["serve", "--config", str(self.write()), *arguments], self.directory, "issuer")
        self.processes.append(process)
        return await process.start_and_wait()

    async def start_another(self) -> str:
        """Start one more process on the same database, on a port of its own; returns its origin."""
        port, number = free_port(), len(self.processes)
        path = self.write(f"keystead-{number}.yaml", listen=f"127.0.0.1:{port}", management=f"127.0.0.1:{free_port()}")
        process = Process(["serve", "--config", str(path)], self.directory, f"issuer-{number}")
        self.processes.append(process)
        await process.start_and_wait()
        return f"http://127.0.0.1:{port}"

    def client(self, client_id: str, *, origin: str = "") -> OAuthClient:
        """Return a client of the configuration. `origin` sends it to another process."""
        entry = next(entry for entry in self.realm["clients"] if entry["client_id"] == client_id)
        secret = entry.get("client_secret", "")
        return OAuthClient(self.session, self.url, client_id, secret, self.witness, origin=origin)

    def person(self, username: str) -> Person:
        """Return a person of the configuration, with a fresh browser."""
        entry = next(entry for entry in self.realm["users"] if entry["username"] == username)
        browser = Browser(http_wire(self.session, self.witness), home=f"{self.url}/")
        return Person(username, entry["password"], browser, self.witness)

    def leaks(self) -> list[str]:
        """Return every secret found in a log: none, or the product is broken."""
        return self.witness.leaks([process.log_file for process in self.processes if process.log_file.exists()])

    def _remember_secrets(self) -> None:
        for realm in self.configuration["realms"].values():
            for client in realm.get("clients", ()):
                self.witness.saw("client_secret", client.get("client_secret"))
            for user in realm.get("users", ()):
                self.witness.saw("password", user.get("password"))


@asynccontextmanager
async def issuer_in(directory: Path, database: str = "") -> AsyncIterator[RunningIssuer]:
    """Give an issuer that is not started yet; end all its processes afterwards, and search their logs for secrets."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), connector=connector) as session:
        issuer = RunningIssuer(directory, session, database)
        try:
            yield issuer
        finally:
            for process in issuer.processes:
                process.kill()
        assert issuer.leaks() == []


@asynccontextmanager
async def running_issuer(directory: Path, database: str = "") -> AsyncIterator[RunningIssuer]:
    """Give a started issuer with the usual shop."""
    async with issuer_in(directory, database) as issuer:
        await issuer.start()
        yield issuer
