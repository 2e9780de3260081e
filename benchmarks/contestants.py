"""Who is measured: the issuer as it ships, two bare servers, and a peer, each pinned to the server's core."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import httpx2

from keystead.app.key_encryption_key import load_or_make_key
from tests.faults.issuer_process import IssuerProcess, _free_port
from tests.faults.storm_client import sign_in
from tests.harness.postgres import PostgresServer

BENCH_SECRET = "benchmark-secret-0123456789"
HERE = Path(__file__).parent


def server_core_and_load_core() -> tuple[int, int]:
    """Return one core for the servers and another for the load; the same one when the machine has but one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]


SERVER_CORE, LOAD_CORE = server_core_and_load_core()


class Contestant:
    """A server under load."""

    name: ClassVar[str] = ""
    secret: str = BENCH_SECRET
    paths: dict[str, str]
    extra: dict[str, dict[str, str]]
    port: int

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.start_seconds = 0.0
        self.extra = {"token jwt": {}, "token opaque": {}}
        self.paths = {}

    def start(self) -> None:
        """Start it on the server's core."""
        raise NotImplementedError

    def stop(self) -> None:
        """End it."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def pids(self) -> list[int]:
        """Return the processes whose CPU time counts."""
        assert self.process is not None
        return [self.process.pid]

    def token(self) -> str:
        """Return a live token to introspect."""
        return self._fetch_token("token opaque")

    def subject_token(self) -> str:
        """Return a person's token to exchange."""
        return self.token()

    def refresh_tokens(self, number: int) -> list[str]:
        """Return fresh refresh tokens."""
        raise NotImplementedError

    def sessions(self, number: int) -> list[str]:
        """Return the cookies of people who are signed in."""
        raise NotImplementedError

    def proportional_set_size(self) -> float:
        """Return the memory of the processes in MiB, shared pages divided fairly."""
        rollups = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.pids())
        return sum(int(text.partition("\nPss:")[2].split()[0]) for text in rollups) / 1024

    def _fetch_token(self, what: str) -> str:
        form = {"grant_type": "client_credentials", "client_id": "bench", "client_secret": self.secret}
        answer = httpx2.post(f"http://127.0.0.1:{self.port}{self.paths[what]}", data={**form, **self.extra[what]})
        return str(answer.json()["access_token"])

    def _launch(self, command: list[str], probe: str) -> None:
        begun = time.perf_counter()
        pinned = ["taskset", "-c", str(SERVER_CORE), *command]
        self.process = subprocess.Popen(pinned, stdout=subprocess.DEVNULL, env={**os.environ, "NODE_ENV": "production"})
        while time.perf_counter() - begun < 20:
            try:
                httpx2.get(f"http://127.0.0.1:{self.port}{probe}", timeout=2)
            except httpx2.TransportError:
                time.sleep(0.005)
            else:
                self.start_seconds = time.perf_counter() - begun
                return
        raise RuntimeError(f"{self.name} did not start")


class BareServer(Contestant):
    """A ceiling: the same work without storage."""

    def __init__(self, module: str) -> None:
        super().__init__()
        self.name = module  # type: ignore[misc]
        self.port = _free_port()
        self.paths = {"token jwt": "/jwt", "token opaque": "/opaque", "introspect": "/introspect", "jwks": "/jwks"}
        self.paths |= {"par": "/par", "token dpop": "/dpop", "device": "/device", "exchange": "/exchange"}

    def start(self) -> None:
        """Start it."""
        self._launch([sys.executable, "-m", f"benchmarks.ceilings.{self.name}", str(self.port)], "/jwks")


class Issuer(Contestant):
    """Keystead as it ships: `keystead serve` on SQLite, logs written to a file."""

    name = "keystead"

    def __init__(self, directory: Path, database: dict[str, Any] | None = None) -> None:
        super().__init__()
        self._process = IssuerProcess(directory, bench_secret=BENCH_SECRET, database=database)
        self.port = self._process.port
        root = "/realms/storm"
        token = f"{root}/token"
        self.paths = {
            "token jwt": token,
            "token opaque": token,
            "introspect": f"{root}/introspect",
            "refresh": token,
            "jwks": f"{root}/jwks",
            "discovery": f"{root}/.well-known/openid-configuration",
            "sso": f"{root}/authorize",
            "par": f"{root}/par",
            "token dpop": token,
            "device": f"{root}/device_authorization",
            "exchange": token,
        }
        self.extra["token opaque"] = {"client_id": "bench-opaque"}
        self.extra["introspect"] = {"client_id": "bench-opaque"}

    def start(self) -> None:
        """Start it on its core."""
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {SERVER_CORE})
        self.start_seconds = self._process.start() / 1000
        os.sched_setaffinity(0, own)
        self.process = self._process.process

    def refresh_tokens(self, number: int) -> list[str]:
        """Buy them with codes, as a client does."""
        from benchmarks.buying import buy_tokens

        cookies = self.sessions(number)
        return [buy_tokens(self.port, self.paths, self.secret, cookie)["refresh_token"] for cookie in cookies]

    def subject_token(self) -> str:
        """Buy one with a code, for a client that may exchange it."""
        from benchmarks.buying import buy_tokens

        cookie = self.sessions(1)[0]
        bought = buy_tokens(
            self.port, self.paths, self.secret, cookie, client="bench-exchange", scope="openid api:read"
        )
        return bought["access_token"]

    def sessions(self, number: int) -> list[str]:
        """Sign people in through the pages."""
        return [sign_in(self._process.issuer, person % 12) for person in range(number)]


class IssuerOnPostgres(Issuer):
    """The same on PostgreSQL, whose processes share the core and count, and which writes through to the disk."""

    name = "keystead_postgres"

    def __init__(self, directory: Path) -> None:
        self._server = PostgresServer()
        load_or_make_key(directory / "kek")
        super().__init__(directory, {"database": self._server.url, "key_encryption_key": "file:kek"})

    def start(self) -> None:
        """Start both on the server's core."""
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {SERVER_CORE})
        self._server.make()
        self._server.start()
        os.sched_setaffinity(0, own)
        super().start()

    def stop(self) -> None:
        """End both."""
        super().stop()
        self._server.remove()

    def pids(self) -> list[int]:
        """Return the issuer and everything PostgreSQL runs for it."""
        return [*super().pids(), *self._server.children()]


class Peer(Contestant):
    """npm oidc-provider with its store in memory."""

    name = "oidc-provider"

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self.port = _free_port()
        self.paths = {
            "token jwt": "/token",
            "token opaque": "/token",
            "introspect": "/token/introspection",
            "refresh": "/token",
            "jwks": "/jwks",
            "discovery": "/.well-known/openid-configuration",
        }
        self.extra = {"token jwt": {"resource": "urn:jwt"}, "token opaque": {"resource": "urn:opaque"}}

    def start(self) -> None:
        """Copy our configuration beside the installed package and start it."""
        script = self._directory / "peer.mjs"
        script.write_text((HERE / "peers" / "oidc_provider.mjs").read_text())
        self._launch(["node", str(script), str(self.port)], "/jwks")

    def refresh_tokens(self, number: int) -> list[str]:
        """Ask the seed page."""
        tokens: list[str] = httpx2.get(f"http://127.0.0.1:{self.port}/seed?n={number}").json()
        return tokens
