"""Start the shop, show it, check it, stop it."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import msgspec

from keystead.demo.bus_server import bus_command
from keystead.demo.check.world import Probe, World
from keystead.demo.configuration import PEOPLE, CheckClient, new_password, write_configuration
from keystead.demo.people import people_by_subject
from keystead.demo.places import Places, write_surroundings
from keystead.demo.ports import free_port
from keystead.demo.supervisor import Supervisor
from keystead.demo.xray.lines import Traces
from keystead.demo.xray.server import XRay, serve_xray
from keystead.workload.agent_key import load_agent_key

READY_SECONDS = 90.0
ATTEMPTS = 3
BUSY = "already in use"
SERVICE_PORTS = {"catalog": 8101, "orders": 8102, "inventory": 8103, "billing": 8104}


class StartFailed(Exception):
    """A part of the demo did not start. The message holds its last words."""


class Demo:
    """One run of the demo: its directory, its processes, its X-ray page."""

    def __init__(self, directory: Path, *, check: bool) -> None:
        self.places = choose_places(directory)
        self.passwords = {name: new_password() for name in PEOPLE}
        self.check_client = _check_client() if check else None
        self.traces = Traces()
        self.probes: list[Probe] = []
        self.supervisor = Supervisor(directory, self._hear)
        self._page = serve_xray(XRay(self.traces, self.places.shop_url), self.places.xray_port)

    def _hear(self, line: bytes) -> None:
        if self.traces.feed(line) is None and line.startswith(b'{"workload"'):
            self.probes.append(msgspec.json.decode(line, type=Probe))

    def start(self, say: Callable[[str], None]) -> None:
        """Start every part and wait until the last of them answers.

        Raises: StartFailed with the last words of a part that died or did not get ready.
        """
        python = [sys.executable, "-m", "keystead.cli.main"]
        environment = {
            "KEYSTEAD_DEMO": str(write_surroundings(self.places)),
            "KEYSTEAD_AGENT": self.places.agent_socket,
        }
        write_configuration(self.places, self.passwords, self.check_client)
        config = str(self.places.config_file)
        begun = time.monotonic()
        # The issuer must know the agent's public key before it starts; the private one never leaves this directory.
        load_agent_key(self.places.directory / "agent")
        self.supervisor.start("bus", bus_command(self.places))
        self.supervisor.start("issuer", [*python, "serve", "--config", config], environment)
        self._wait("issuer", lambda: _answers(f"{self.places.issuer}/.well-known/openid-configuration"))
        say(f"  issuer ready after {time.monotonic() - begun:.1f} s")
        self.supervisor.start("agent", [*python, "agent", "--config", config], environment)
        for name in ("catalog", "inventory"):
            self.supervisor.start(name, [sys.executable, "-m", "keystead.demo.shop.service", name], environment)
        self.traces.names.update(asyncio.run(people_by_subject(self.places)))
        for name, port in self.places.service_ports.items():
            self._wait(name, lambda port=port: _answers(f"http://127.0.0.1:{port}/"))  # type: ignore[misc]
            say(f"  {name} ready")
        self._wait("gateway", lambda: _answers(f"{self.places.shop_url}/"))
        say(f"  gateway ready; everything runs after {time.monotonic() - begun:.1f} s")

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            dead = self.supervisor.first_dead()
            if dead is not None:
                raise StartFailed(f"{dead.name} ended while starting. Its last words:\n{dead.last_words()}")
            if time.monotonic() > deadline:
                logs = self.places.directory / "logs"
                raise StartFailed(f"{what} was not ready within {READY_SECONDS:.0f} s. The logs are in {logs}.")
            time.sleep(0.02)

    def stop(self) -> list[str]:
        """Stop everything. Answer: the names of the parts that had to be killed."""
        self._page.shutdown()
        self._page.server_close()
        return self.supervisor.stop()


def choose_places(directory: Path) -> Places:
    """Choose where everything of this run listens."""
    taken: set[int] = set()
    return Places(
        directory=directory,
        issuer_port=free_port(8080, taken),
        management_port=free_port(8081, taken),
        gateway_port=free_port(8000, taken),
        gateway_management_port=free_port(8001, taken),
        bus_port=free_port(4222, taken),
        xray_port=free_port(8090, taken),
        service_ports={name: free_port(port, taken) for name, port in SERVICE_PORTS.items()},
    )


def _check_client() -> CheckClient:
    return CheckClient("demo-check", secrets.token_urlsafe(32), "http://127.0.0.1:9/callback")


def _answers(url: str) -> bool:
    """Whether something speaks HTTP there. A refusal is an answer."""
    try:
        with urlopen(url, timeout=1):  # noqa: S310 - our own loopback URL
            return True
    except HTTPError:
        return True
    except (URLError, OSError):
        return False


def run_demo(*, check: bool, keep: Path | None) -> int:
    """Run the demo until Ctrl-C, or check it and stop. Answer: the exit code."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _run_in(keep.resolve(), check=check)
    with tempfile.TemporaryDirectory(prefix="keystead-demo-") as directory:
        return _run_in(Path(directory), check=check)


def _run_in(directory: Path, *, check: bool) -> int:
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _interrupt(stopping))
    demo: Demo | None = None
    code = 0
    try:
        print("Starting the shop: issuer, gateway, agent, bus and four services, each its own process.", flush=True)
        for attempts_left in reversed(range(ATTEMPTS)):
            demo = Demo(directory, check=check)
            if _started(demo, last=not attempts_left):
                code = _check(demo) if check else _show(demo, stopping)
                break
            demo.stop()
    except KeyboardInterrupt:
        print("\nStopped while starting.", flush=True)
    finally:
        killed = demo.stop() if demo is not None else []
    if killed:
        print(f"These did not stop when asked and were killed: {', '.join(killed)}", flush=True)
        return 1
    print("All parts stopped.", flush=True)
    return code


def _started(demo: Demo, *, last: bool) -> bool:
    """Start the demo. False: a port that was free when it was chosen was taken when it was needed; try others.

    Raises: SystemExit when it failed for good, having said why.
    """
    try:
        demo.start(lambda text: print(text, flush=True))
    except StartFailed as failure:
        if BUSY not in str(failure) or last:
            raise SystemExit(str(failure)) from failure
        print("  somebody took a port meanwhile; choosing others", flush=True)
        return False
    return True


def _interrupt(stopping: threading.Event) -> None:
    stopping.set()
    raise KeyboardInterrupt


def _show(demo: Demo, stopping: threading.Event) -> int:
    places = demo.places
    people = "\n".join(f"    {name:<6} {demo.passwords[name]}   {note}" for name, note in NOTES.items())
    print(
        f"\n  The shop    {places.shop_url}\n  The X-ray   {places.xray_url}   (keep it open beside the shop)\n\n"
        f"  Sign in as\n{people}\n\n  Configuration and logs: {places.directory}\n  Stop with Ctrl-C.",
        flush=True,
    )
    try:
        while not stopping.wait(0.5):
            dead = demo.supervisor.first_dead()
            if dead is not None:
                print(f"{dead.name} ended by itself. Its last words:\n{dead.last_words()}", flush=True)
                return 1
    except KeyboardInterrupt:
        print("\nStopping ...", flush=True)
    return 0


NOTES = {
    "alice": "places orders",
    "bob": "may not see alice's orders",
    "carol": "works in support and may see everybody's",
}


def _check(demo: Demo) -> int:
    from keystead.demo.check.endings import endings
    from keystead.demo.check.gateway_refusals import gateway_refusals
    from keystead.demo.check.identity_refusals import identity_refusals
    from keystead.demo.check.issuer_refusals import issuer_refusals
    from keystead.demo.check.report import Report
    from keystead.demo.check.service_refusals import service_refusals
    from keystead.demo.check.story import story

    assert demo.check_client is not None
    world = World(demo.places, demo.passwords, demo.check_client, demo.traces)
    world.probes = demo.probes
    world.secrets_seen.add(demo.check_client.client_secret)
    report = Report()
    parts = (story, gateway_refusals, service_refusals, issuer_refusals, identity_refusals, endings)
    try:
        for part in parts:
            for step in part(world):
                report.run(step)
        return 0 if report.close() else 1
    finally:
        world.close()


def default_directory() -> Path | None:
    """Return where `--keep` keeps things unless told otherwise."""
    return Path(os.getcwd()) / ".keystead" / "demo"
