"""kill -9 the issuer again and again under load, and count what must never happen.

Run it: `python -m tests.faults.kill_storm --kills 200` (about three minutes). Honest and greedy clients buy codes,
redeem each twice at once, refresh twice at once, exchange and revoke; the process is killed at random moments and
started again; at the end every acknowledged promise is looked at.

Pass: no code redeemed twice, no refresh family with two live members, no acknowledged revocation undone, no live
session lost.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path

from tests.faults.issuer_process import PEOPLE, IssuerProcess
from tests.faults.storm_client import Storm, Tally, sign_in


async def storm(kills: int, seed: int, directory: Path, *, supervised: bool = False) -> Tally:
    """Run the whole storm and return the tally. `supervised`: kill the worker of `serve --workers 1` instead."""
    tally = Tally()
    process = IssuerProcess(directory, supervised=supervised)
    process.start()
    chance = random.Random(seed)
    try:
        sessions = [await asyncio.to_thread(sign_in, process.issuer, number) for number in range(PEOPLE)]
        weather = Storm(process.issuer, tally, seed)
        lives = [asyncio.create_task(weather.live_through(number, cookies)) for number, cookies in enumerate(sessions)]
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.05, 0.5))
            process.kill()
            tally.kills += 1
            tally.ready_milliseconds.append(await asyncio.to_thread(process.start))
        await asyncio.sleep(0.5)
        weather.stopping = True
        await asyncio.gather(*lives)
        await look_back(weather, tally)
        await weather.http.aclose()
    finally:
        process.end()
    return tally


async def look_back(weather: Storm, tally: Tally) -> None:
    """Ask after every promise: what was revoked is dead, what was kept is alive."""
    for token in tally.revoked:
        tally.undone += await weather.active(token)
    for token in weather.live.values():
        tally.sessions_lost += not await weather.active(token)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--supervised", action="store_true", help="kill the worker of `serve --workers 1`")
    arguments = parser.parse_args()
    print(f"{arguments.kills} kills, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="keystead-storm-") as directory:
        begun = time.monotonic()
        tally = asyncio.run(storm(arguments.kills, arguments.seed, Path(directory), supervised=arguments.supervised))
        print(f"{tally}\n{time.monotonic() - begun:.0f} s; {'passed' if tally.passed() else 'FAILED'}")
    raise SystemExit(0 if tally.passed() else 1)


if __name__ == "__main__":
    main()
