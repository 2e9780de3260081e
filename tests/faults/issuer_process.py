"""The process under fire: the real product on a real database, started, killed and started again on one port."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CLIENT = "storm"
SECRET = secrets.token_urlsafe(32)
REDIRECT_URI = "http://127.0.0.1:9/callback"
PASSWORD = "a long enough passphrase for a storm"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
PEOPLE = 12


class IssuerProcess:
    """`keystead serve`, to be killed.

    `database` replaces settings of the `server` section; `beside` makes it another node of that process's issuer.
    """

    def __init__(
        self,
        directory: Path,
        *,
        bench_secret: str = "",
        supervised: bool = False,
        database: dict[str, Any] | None = None,
        beside: IssuerProcess | None = None,
    ) -> None:
        self._bench_secret = bench_secret
        self._supervised = supervised
        self._database = database or {"database": f"sqlite:///{directory}/storm.db"}
        self.port = _free_port()
        self.door = f"http://127.0.0.1:{self.port}"
        self.base_url: str = beside.base_url if beside else self.door
        self.issuer = f"{self.base_url}/realms/storm"
        self.config = directory / ("keystead-2.yaml" if beside else "keystead.yaml")
        self.config.write_text(json.dumps(self._configuration()))
        self.log = directory / ("issuer-2.log" if beside else "issuer.log")
        self.process: subprocess.Popen[bytes] | None = None

    def _configuration(self) -> dict[str, Any]:
        client = {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token", EXCHANGE],
            "scope": "openid api:read api:write",
            "skip_consent": True,
        }
        api = {
            "audience": "https://api.storm.example",
            "scopes": ["api:read", "api:write"],
            "exchange": {"from": [CLIENT, *(["bench-exchange"] if self._bench_secret else [])]},
        }
        server = {
            "base_url": self.base_url,
            "listen": f"127.0.0.1:{self.port}",
            "management_listen": f"127.0.0.1:{_free_port()}",
            **self._database,
        }
        users = [{"username": f"user{number}", "password": PASSWORD} for number in range(PEOPLE)]
        clients = [client, *(self._bench_clients() if self._bench_secret else [])]
        return {"server": server, "realms": {"storm": {"clients": clients, "apis": [api], "users": users}}}

    def _bench_clients(self) -> list[dict[str, Any]]:
        common = {
            "client_secret": self._bench_secret,
            "token_endpoint_auth_method": "client_secret_post",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["client_credentials", "authorization_code", "refresh_token", DEVICE],
            "scope": "openid api:read",
            "skip_consent": True,
        }
        return [
            {"client_id": "bench", "access_token_format": "jwt", **common},
            {"client_id": "bench-opaque", "access_token_format": "opaque", **common},
            {"client_id": "bench-exchange", **common, "grant_types": ["authorization_code", EXCHANGE]},
        ]

    def start(self) -> float:
        """Start it and return how many milliseconds until it answered."""
        if self._supervised and self.process is not None:
            return self._replaced()
        begun = time.perf_counter()
        command = [sys.executable, "-m", "keystead.cli.main", "serve", "--config", str(self.config)]
        command += ["--workers", "1"] if self._supervised else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        while not _answers(self.port):
            if self.process.poll() is not None:
                raise RuntimeError(f"the issuer ended by itself, see {self.log}")
            time.sleep(0.004)
        return (time.perf_counter() - begun) * 1000

    def kill(self) -> None:
        """kill -9: the issuer, or under supervision the worker that serves."""
        assert self.process is not None
        if self._supervised:
            os.kill(self._worker(), signal.SIGKILL)
            return
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """End it for good."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(20)

    def _worker(self) -> int:
        assert self.process is not None
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def _replaced(self) -> float:
        begun = time.perf_counter()
        while not _answers(self.port):
            time.sleep(0.002)
        return (time.perf_counter() - begun) * 1000


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /realms/storm/jwks HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return connection.recv(12).endswith(b"200")
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
