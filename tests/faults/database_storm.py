"""Two issuer nodes on one PostgreSQL, and kill -9 of the database, of its connections and of the nodes, under load.

Run it: `python -m tests.faults.database_storm --kills 50`. The clients are those of `kill_storm`, and each request goes
to either node.

Pass: no code redeemed twice, no refresh family with two live members, no acknowledged revocation undone, no live
session lost, whoever was killed; and after each kill the nodes serve again by themselves.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path

from keystead.app.key_encryption_key import load_or_make_key
from tests.faults.issuer_process import PEOPLE, IssuerProcess
from tests.faults.kill_storm import look_back
from tests.faults.storm_client import Storm, Tally, sign_in
from tests.harness.postgres import PostgresServer

VICTIMS = ("database", "connections", "database", "node")


async def storm(kills: int, seed: int, directory: Path) -> Tally:
    """Run the whole storm and return the tally."""
    server = PostgresServer()
    try:
        server.make()
        server.start()
        load_or_make_key(directory / "kek")
        database = {"database": server.url, "key_encryption_key": "file:kek"}
        first = IssuerProcess(directory, database=database)
        nodes = [first, IssuerProcess(directory, database=database, beside=first)]
        return await _storm(kills, random.Random(seed), server, nodes)
    finally:
        server.remove()


async def _storm(kills: int, chance: random.Random, server: PostgresServer, nodes: list[IssuerProcess]) -> Tally:
    tally = Tally()
    try:
        for node in nodes:
            node.start()
        sessions = [await asyncio.to_thread(sign_in, nodes[0].issuer, number) for number in range(PEOPLE)]
        weather = Storm(nodes[0].issuer, tally, chance.randrange(1 << 30), [node.door for node in nodes])
        lives = [asyncio.create_task(weather.live_through(number, cookies)) for number, cookies in enumerate(sessions)]
        for number in range(kills):
            await asyncio.sleep(chance.uniform(0.2, 0.8))
            begun = time.perf_counter()
            await _kill(VICTIMS[number % len(VICTIMS)], chance, server, nodes)
            tally.kills += 1
            await weather.insist("introspect", token="nothing")
            tally.ready_milliseconds.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0.5)
        weather.stopping = True
        await asyncio.gather(*lives)
        await look_back(weather, tally)
        await weather.http.aclose()
    finally:
        for node in nodes:
            node.end()
    return tally


async def _kill(victim: str, chance: random.Random, server: PostgresServer, nodes: list[IssuerProcess]) -> None:
    if victim == "database":
        await asyncio.to_thread(server.kill)
        await server.start_in_background()
    elif victim == "connections":
        text = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'keystead'"
        await asyncio.to_thread(server.sql, text)
    else:
        node = chance.choice(nodes)
        node.kill()
        await asyncio.to_thread(node.start)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    print(f"{arguments.kills} kills, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="keystead-storm-") as directory:
        begun = time.monotonic()
        tally = asyncio.run(storm(arguments.kills, arguments.seed, Path(directory)))
        print(f"{tally}\n{time.monotonic() - begun:.0f} s; {'passed' if tally.passed() else 'FAILED'}")
    raise SystemExit(0 if tally.passed() else 1)


if __name__ == "__main__":
    main()
