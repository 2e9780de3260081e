"""A real PostgreSQL server for tests: Debian's, started on loopback as a user that is not root, gone with the test run.

One server per test process, started when it is first asked for; every test has a schema of its own in it. Processes
that a test starts find it by an environment variable. `KEYSTEAD_POSTGRES_BIN` names another directory of programs.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import pytest

from keystead.cli.test import find_postgres
from tests.harness.processes import free_port

URL_VARIABLE: Final = "KEYSTEAD_TEST_POSTGRES"
MISSING: Final = "no PostgreSQL server on this machine (apt install postgresql)"
_USERS: Final = ("postgres", "nobody")

_LIGHT: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "max_connections": "80",
    "log_min_messages": "fatal",
    "autovacuum_naptime": "10s",
}


class PostgresServer:
    """A server in a directory of its own. `settings` go on its command line."""

    def __init__(self, **settings: str) -> None:
        self.bin = find_postgres()
        if not self.bin:
            pytest.skip(MISSING)
        pytest.importorskip("asyncpg", reason="asyncpg is not installed (pip install 'keystead[postgres]')")
        self.directory = Path(tempfile.mkdtemp(prefix="keystead-postgres-"))
        self.user = next(user for user in _USERS if _exists(user)) if os.geteuid() == 0 else ""
        if self.user:
            shutil.chown(self.directory, self.user)
        self.port = free_port()
        self.settings = _LIGHT | settings
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of its database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.directory / "data"

    def make(self) -> None:
        """Make the cluster."""
        command = ["initdb", "--pgdata", str(self.data), "--username=postgres", "--auth=trust"]
        self.run(*command, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")

    def put(self, name: str, content: bytes) -> None:
        """Put a file into the data directory, readable by the server only."""
        path = self.data / name
        path.write_bytes(content)
        path.chmod(0o600)
        if self.user:
            shutil.chown(path, self.user)

    def make_standby_of(self, primary: PostgresServer) -> None:
        """Make it a copy that follows `primary`."""
        source = ["--host=127.0.0.1", f"--port={primary.port}", "--username=postgres"]
        self.run("pg_basebackup", "--pgdata", str(self.data), *source, "--write-recovery-conf", "--checkpoint=fast")

    def promote(self) -> None:
        """Make a standby the one that writes."""
        self.sql("SELECT pg_promote()")

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        self.wait_until_ready()

    async def start_in_background(self) -> None:
        """The same, while the event loop goes on."""
        self.launch()
        await asyncio.to_thread(self.wait_until_ready)

    def launch(self) -> None:
        """Start it without waiting. Only from the main thread: it dies with the thread that started it."""
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        command = self._as_user("postgres", "-D", str(self.data), "-p", str(self.port), *options)
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=self.directory)

    def wait_until_ready(self) -> None:
        """Wait until it answers."""
        assert self.process is not None
        deadline = time.monotonic() + 60
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.directory / "server.log").read_text()[-4000:])
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9 the postmaster and all its children: a crash, which it recovers from at the next start."""
        assert self.process is not None
        for pid in (self.process.pid, *self.children()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def children(self) -> list[int]:
        """Return the processes of the postmaster."""
        assert self.process is not None
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self) -> None:
        """Stop it at once, as `pg_ctl -m immediate` does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)

    def remove(self) -> None:
        """Stop it and delete everything."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def sql(self, text: str) -> str:
        """Run SQL with psql; return what it prints."""
        return self.run("psql", self.url, "--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", "-c", text)

    def run(self, *command: str) -> str:
        """Run one of PostgreSQL's programs as its user."""
        done = subprocess.run(
            self._as_user(*command), cwd=self.directory, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _as_user(self, program: str, *arguments: str) -> list[str]:
        drop = ["--reuid", self.user, "--regid", self._group(), "--clear-groups"] if self.user else []
        return ["setpriv", *drop, "--pdeathsig", "QUIT", str(Path(self.bin) / program), *arguments]

    def _group(self) -> str:
        return str(pwd.getpwnam(self.user).pw_gid)

    def _ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        done = subprocess.run(
            [str(Path(self.bin) / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False
        )
        return done.returncode == 0


def schema_for(place: str) -> str:
    """Return the URL of a schema of its own for a place (a path of the test), in the server of this test process.

    Skips the test, loudly, where there is no PostgreSQL.
    """
    name = "t" + hashlib.sha256(place.encode()).hexdigest()[:20]
    url = os.environ.get(URL_VARIABLE, "") or _start_server().url
    if name not in _made:
        _made.add(name)
        # Processes of one test make it at once, and IF NOT EXISTS alone is no match for that.
        alone = "SET client_min_messages = error; DO 'BEGIN PERFORM pg_advisory_lock(1); END'"
        psql = [str(Path(find_postgres()) / "psql"), url, "--no-psqlrc", "-q"]
        subprocess.run([*psql, "-c", alone, "-c", f"CREATE SCHEMA IF NOT EXISTS {name}"], check=True)
    return f"{url}?search_path={name}"


_made: Final = set[str]()
_shared: Final = list[tuple[int, PostgresServer]]()
"""The server of this process, and the process: a fork of it must not stop it."""


def _start_server() -> PostgresServer:
    server = PostgresServer(fsync="off", full_page_writes="off")
    server.make()
    server.start()
    os.environ[URL_VARIABLE] = server.url
    _shared.append((os.getpid(), server))
    atexit.register(stop_shared_server)
    return server


def stop_shared_server() -> None:
    """Stop the server of this test process, if it started one, and delete its directory."""
    while _shared and _shared[-1][0] == os.getpid():
        _shared.pop()[1].remove()
        os.environ.pop(URL_VARIABLE, None)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
