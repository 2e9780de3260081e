"""What the embedded store costs: CPU microseconds per read and per durable write, beside what the disk allows.

Run: `python -m benchmarks.storage_throughput [--directory DIR] [--seconds 2] [--profile]`. Writes are acknowledged
only after an fsync (WAL, synchronous=FULL); the last column tells how many were acknowledged per fsync the disk can
do, so that 1.0 is the limit of a store without group commit. Best of three rounds: other work only slows.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import uvloop

from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.grant import Grant
from keystead.core.records.revocation import RevokedToken
from keystead.core.records.session import Session
from keystead.core.values import EpochSeconds, Seconds, new_handle
from keystead.storage.ports import (
    Read,
    Rotate,
    StartFamily,
    Store,
    Write,
    get,
    offer,
    peek,
    put,
    redeem,
    rotate,
    start_family,
)
from keystead.storage.sqlite import open_store

NOW: Final = EpochSeconds(1_800_000_000)
END: Final = EpochSeconds(NOW + 30 * 86_400)
PEOPLE: Final = 5_000
ROUNDS: Final = 3

Job = Callable[[int], Awaitable[Any]]
"""One operation; the number makes its keys fresh."""


WriteJob = Callable[[int], Write[Any]]
"""The same, as the transaction itself."""


class Cost(NamedTuple):
    """What an operation cost."""

    cpu: float
    rate: float


def fill() -> Write[None]:
    """Put people, sessions and grants of an ordinary size into the store."""
    yield from put(Client(realm="acme", id="shop", redirect_uris=("https://shop.example/callback",)), NOW)
    for number in range(PEOPLE):
        subject, sid = f"usr_{number:022}", f"sid_{number:022}"
        yield from put(Account(realm="acme", id=subject, username=f"user{number}", name="A Person"), NOW)
        yield from put(Session(realm="acme", id=sid, handle_digest=digest(number), subject=subject), NOW)
        yield from put(grant(number), NOW)


def digest(number: int) -> str:
    """Return something as long as a SHA-256 in hex, and as scattered."""
    return f"{number * 2_654_435_761 % 2**32:08x}".ljust(64, "0")


def grant(number: int) -> Grant:
    """Return a grant of an ordinary size."""
    return Grant(
        realm="acme",
        id=f"gnt_{number:022}",
        subject=f"usr_{number % PEOPLE:022}",
        client_id="shop",
        sid=f"sid_{number % PEOPLE:022}",
        scopes=("openid", "profile", "catalog:read", "orders:write"),
        resources=("https://catalog.acme.example", "https://orders.acme.example"),
        acr="1",
        amr=("pwd",),
        auth_time=NOW,
        created_at=NOW,
        expires_at=END,
    )


def introspection(number: int) -> Read[tuple[Any, ...]]:
    """Look at all that must be alive for an opaque token to be active."""
    number %= PEOPLE
    return (
        (yield from get(Client, "acme", "shop", NOW)),
        (yield from get(RevokedToken, "acme", digest(number), NOW)),
        (yield from get(Grant, "acme", f"gnt_{number:022}", NOW)),
        (yield from get(Session, "acme", f"sid_{number:022}", NOW)),
        (yield from get(Account, "acme", f"usr_{number:022}", NOW)),
    )


def code(number: int) -> Write[None]:
    """Offer a code."""
    yield from offer("acme", "code", digest(number), b"x" * 300, END)


def code_again(number: int) -> Write[None]:
    """Offer a code for the exchange."""
    yield from offer("acme", "exchange", digest(number), b"x" * 300, END)


def code_exchange(number: int) -> Write[None]:
    """Spend a code and store what it buys."""
    yield from redeem("acme", "exchange", digest(number), NOW)
    yield from put(grant(PEOPLE + number), NOW)
    yield from start_family(StartFamily("acme", f"f{number:022}", digest(number), "shop|", END, NOW))


def rotation(number: int) -> Write[None]:
    """Rotate a refresh family."""
    yield from rotate(
        Rotate("acme", f"f{number:022}", 1, digest(number), digest(number + 1), "shop|", Seconds(30), END, NOW)
    )


async def reading(job: Job, seconds: float) -> Cost:
    """Measure reads, one after another as they run on the loop."""
    done, cpu, begun = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - begun < seconds:
        for number in range(done, done + 200):
            await job(number)
        done += 200
    return Cost((time.process_time() - cpu) / done * 1e6, done / (time.perf_counter() - begun))


async def reading_between_writes(store: Store, seconds: float) -> Cost:
    """Measure reads each of which finds the database changed, so that nothing of it is in the page cache."""
    done, cpu, begun = 0, 0.0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        await store.write(lambda: put(RevokedToken(realm="acme", id=new_handle(), expires_at=END), NOW))
        before = time.thread_time()
        for number in range(done, done + 10):
            await store.read(get(Grant, "acme", f"gnt_{number * 37 % PEOPLE:022}", NOW))
        cpu += time.thread_time() - before
        done += 10
    return Cost(cpu / done * 1e6, done / (time.perf_counter() - begun))


async def writing(store: Store, write: WriteJob, numbers: range, concurrency: int) -> Cost:
    """Measure writes by `concurrency` callers, each with one under way, over fresh numbers."""
    left = iter(numbers)
    cpu, begun = time.process_time(), time.perf_counter()

    async def caller() -> None:
        for number in left:
            await store.write(partial(write, number))

    await asyncio.gather(*(caller() for _ in range(concurrency)))
    done = len(numbers)
    return Cost((time.process_time() - cpu) / done * 1e6, done / (time.perf_counter() - begun))


def disk_limit(directory: Path, seconds: float) -> float:
    """Return how many times a second this disk makes an appended 4 KiB page durable."""
    file = os.open(directory / "fsync", os.O_CREAT | os.O_WRONLY, 0o600)
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        os.write(file, bytes(4096))
        os.fdatasync(file)
        done += 1
    os.close(file)
    return done / (time.perf_counter() - begun)


async def measure_reads(store: Store, seconds: float) -> None:
    """Print what reads cost."""
    jobs: dict[str, Job] = {
        "point read": lambda n: store.read(get(Grant, "acme", f"gnt_{n % PEOPLE:022}", NOW)),
        "point read, cached kind": lambda n: store.read(get(Client, "acme", "shop", NOW)),
        "look at a code": lambda n: store.read(peek("acme", "code", digest(n), NOW)),
        "introspection (5 reads)": lambda n: store.read(introspection(n)),
    }
    for name, job in jobs.items():
        show(name, min([await reading(job, seconds) for _ in range(ROUNDS)]))
    show("point read between writes", min([await reading_between_writes(store, seconds) for _ in range(ROUNDS)]))


async def measure_writes(store: Store, seconds: float, limit: float) -> None:
    """Print what durable writes cost at several concurrencies. Each round spends what it has offered itself."""
    writes: dict[str, WriteJob] = {
        "offer": code,
        "redeem": lambda n: redeem("acme", "code", digest(n), NOW),
        "offer again": code_again,
        "code exchange (3 writes)": code_exchange,
        "rotate": rotation,
    }
    first = 0
    for concurrency in (1, 32, 64):
        size = int(seconds * (1_000 if concurrency == 1 else 6_000))
        costs: dict[str, list[Cost]] = {name: [] for name in writes}
        for _ in range(ROUNDS):
            for name, write in writes.items():
                costs[name].append(await writing(store, write, range(first, first + size), concurrency))
            first += size
        for name, measured in costs.items():
            if writes[name] is not code_again:
                show(f"{name}, {concurrency} at once", min(measured), f"{min(measured).rate / limit:8.2f}")


def show(name: str, cost: Cost, ratio: str = "") -> None:
    """Print one line."""
    print(f"{name:34} {cost.cpu:9.1f} {cost.rate:11,.0f} {ratio}", flush=True)


async def run(directory: Path, seconds: float) -> None:
    """Measure everything in a fresh database."""
    limit = max(disk_limit(directory, seconds) for _ in range(ROUNDS))
    print(f"{'fdatasync of a 4 KiB page':34} {'':9} {limit:11,.0f}     1.00")
    store = open_store(str(directory / "benchmark.db"))
    await store.write(fill)
    await measure_reads(store, seconds)
    await measure_writes(store, seconds, limit)
    await store.close()


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", type=Path, help="on the disk to measure; a temporary one otherwise")
    parser.add_argument("--seconds", type=float, default=1.0, help="per line and round")
    parser.add_argument("--profile", action="store_true", help="print where the loop's thread spends its time")
    chosen = parser.parse_args()
    print(f"{'':34} {'CPU us/op':>9} {'op/s':>11} {'per fsync':>8}")
    with tempfile.TemporaryDirectory(dir=chosen.directory) as directory, cProfile.Profile() as profile:
        if not chosen.profile:
            profile.disable()
        uvloop.run(run(Path(directory), chosen.seconds))
    if chosen.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
