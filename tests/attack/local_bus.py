"""A bus for tests: the real nats-server, the real driver over a real store and key ring, tokens signed by the realm."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from nats.aio.client import Client

from keystead.bus.admission import Admission
from keystead.bus.driver import BusContext
from keystead.bus.drivers.nats import NatsDriver, RunningNats
from keystead.bus.nats.server import find_nats_server, write_server_configuration
from keystead.bus.settings import BusSettings
from keystead.core.jose import jws
from keystead.core.jose.keys import PrivateKey
from keystead.core.records.realm import Realm
from keystead.core.records.record import Record
from keystead.core.records.revocation import REVOCATION_TOPIC, Revocation, RevokedToken
from keystead.core.records.workload import RoleAssignment, Workload
from keystead.core.sealing import AesGcmSealer
from keystead.core.values import EpochSeconds, Secret, new_handle
from keystead.oauth.keyring import StoreKeyRing
from keystead.sdk.bus import Bus
from keystead.sdk.kept_tokens import ObtainedToken
from keystead.storage.ports import Store, Write, emit, get, put
from keystead.storage.sqlite import open_store
from tests.attack.local_agent import Memory

ISSUER = "https://id.example/realms/acme"
AUDIENCE = "https://bus.acme.example"
ORDERS = (RoleAssignment("bus-sender", "orders.>"),)
BILLING = (RoleAssignment("bus-receiver", "orders.>"),)


def clock() -> EpochSeconds:
    return EpochSeconds(int(time.time()))


@dataclass
class LocalBus:
    """A running bus and what surrounds it."""

    url: str
    store: Store
    keys: StoreKeyRing
    journal: Memory
    context: BusContext
    driver: RunningNats
    server: asyncio.subprocess.Process

    async def token(
        self, workload: str = "orders", *, key: PrivateKey | None = None, typ: str = "at+jwt", **changes: Any
    ) -> str:
        """Return a token as the issuer signs it, unless told otherwise."""
        now = clock()
        claims = {
            "iss": ISSUER,
            "sub": workload,
            "aud": AUDIENCE,
            "client_id": workload,
            "iat": now,
            "exp": now + 300,
            "jti": new_handle(),
        }
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jws.sign(claims, key or await self.keys.signer("acme", now), typ)

    async def client(self, workload: str = "orders", **changes: Any) -> Plain:
        """Connect a plain client with a good token."""
        return await connect(self.url, token=await self.token(workload, **changes))

    async def bus(self, workload: str, *, lifetime: int = 300) -> tuple[Bus, list[tuple[str, str]]]:
        """Connect as a service does, with tokens of that life; also return what it reports."""
        reports: list[tuple[str, str]] = []

        async def tokens() -> ObtainedToken:
            expires_at = EpochSeconds(clock() + lifetime)
            return ObtainedToken(Secret(await self.token(workload, exp=expires_at)), expires_at)

        return await Bus.connect(self.url, tokens, report=lambda *report: reports.append(report)), reports

    async def change(self, kind: str, id: str, *records: Record) -> None:
        """Store records and the news of them, in one transaction, as `apply` does."""

        def change() -> Write[None]:
            for record in records:
                known = yield from get(type(record), record.realm, record.id, clock())
                version = known.version if known is not None else 0
                yield from put(msgspec.structs.replace(record, version=version), clock())
            payload = msgspec.json.encode(Revocation(kind, id, "test"))
            yield from emit("acme", REVOCATION_TOPIC, payload, clock(), EpochSeconds(clock() + 300))

        await self.store.write(change)

    async def revoke(self, token: str) -> None:
        """Revoke one token."""
        claims = jws.peek_claims_unverified(token) or {}
        await self.change(
            "token", claims["jti"], RevokedToken(realm="acme", id=claims["jti"], expires_at=claims["exp"])
        )

    def reasons(self, action: str = "bus.connect") -> list[str]:
        return self.journal.reasons(action)


async def kicks(bus: LocalBus, count: int) -> list[str]:
    """Return why connections were ended, once so many were. The server hangs up before the journal hears of it."""
    async with asyncio.timeout(2):
        while len(bus.reasons("bus.kick")) < count:
            await asyncio.sleep(0.01)
    return bus.reasons("bus.kick")


@asynccontextmanager
async def local_bus(folder: Path) -> AsyncIterator[LocalBus]:
    """Run a bus whose realm has the sender `orders`, the receiver `billing` and `idle`, which has no role."""
    store = open_store(str(folder / "keystead.db"))
    keys = StoreKeyRing(store, AesGcmSealer(bytes(range(32))))
    for record in (
        Realm(realm="acme", id="acme"),
        Workload(realm="acme", id="orders", roles=ORDERS),
        Workload(realm="acme", id="billing", roles=BILLING),
        Workload(realm="acme", id="idle"),
        Workload(realm="acme", id="retired", enabled=False, roles=ORDERS),
        Workload(realm="acme", id="broken", roles=(*BILLING, RoleAssignment("bus-sender", ">"))),
    ):
        await store.write(partial(put, record, clock()))
    server, url = await start_server(folder / "bus")
    settings = BusSettings(url=url, realm="acme", audience=AUDIENCE, directory=str(folder / "bus"))
    admission = Admission(store=store, keys=keys, realm="acme", issuer=ISSUER, audience=AUDIENCE, clock=clock)
    journal = Memory()
    context = BusContext(settings, admission, store, journal)
    driver = await NatsDriver().start(context)
    try:
        await asyncio.wait_for(driver.ready.wait(), 10)
        yield LocalBus(url, store, keys, journal, context, driver, server)
    finally:
        await driver.close()
        if server.returncode is None:
            server.kill()
        await server.wait()
        await store.close()


async def start_server(folder: Path, port: int = -1) -> tuple[asyncio.subprocess.Process, str]:
    """Start a nats-server on a free port and return it with its address."""
    configuration = await asyncio.to_thread(write_server_configuration, folder, port=port)
    log = open(folder / "nats-server.log", "ab")  # noqa: SIM115 - the server's
    for stale in folder.glob("*.ports"):
        stale.unlink()
    with log:
        server = await asyncio.create_subprocess_exec(
            find_nats_server(), "-c", str(configuration), "--ports_file_dir", str(folder), stdout=log, stderr=log
        )
    for _ in range(200):
        for ports in folder.glob("*.ports"):
            if text := ports.read_text():
                return server, json.loads(text)["nats"][0]
        await asyncio.sleep(0.02)
    raise AssertionError((folder / "nats-server.log").read_text())


class Plain(Client):
    """A client that keeps the errors the server sends."""

    problems: list[str]

    async def note(self, error: Exception) -> None:
        self.problems.append(str(error).lower())

    async def settle(self) -> list[str]:
        """Return the problems once the server has answered everything."""
        if not self.is_closed:
            await self.flush()
            await self.flush()
        return self.problems


async def connect(url: str, **options: Any) -> Plain:
    """Connect a plain client that never reconnects."""
    client = Plain()
    client.problems = []
    try:
        await client.connect(url, allow_reconnect=False, error_cb=client.note, connect_timeout=5, **options)
    except BaseException:
        await client.close()
        raise
    return client


async def closed_within(client: Client, seconds: float) -> float:
    """Return after how long the server hung up."""
    began = time.monotonic()
    while not client.is_closed:
        assert time.monotonic() - began < seconds, f"still connected after {seconds} s"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
