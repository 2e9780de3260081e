"""The revocation feed: how long services under load still accept what was revoked, and what a look costs.

    python -m benchmarks.revocation_feed [--nodes 2] [--services 4] [--tokens 300] [--interval 0.01]

Several issuer nodes on one database behind one address, several service processes that verify without a break; each
revocation is asked for at one of the nodes. Counted is from then until the service refuses, over all services.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from keystead.core.records.revocation import Revocation
from keystead.core.revocation_feed import FeedPage, entry_of
from keystead.core.tokens import AccessClaims
from keystead.core.values import EpochSeconds, Seconds
from keystead.sdk.revocations import Watched
from keystead.sdk.revoked_marks import RevokedMarks
from tests.faults.revocation_race import Race, race
from tests.harness.databases import DATABASES

ISSUER = "https://id.test/realms/acme"
KNOWN = 100_000
LOOKS = 200_000


def cost_of_a_look() -> tuple[float, float]:
    """Return the microseconds of asking about a token: when nothing came since, and when something did."""
    marks, now = RevokedMarks(), EpochSeconds(1_800_000_000)
    for start in range(0, KNOWN, 1_000):
        entries = [entry_of(ISSUER, Revocation("token", f"t{start + one}"), now) for one in range(1_000)]
        page = FeedPage(
            iss=ISSUER,
            cursor="1.x",
            more=False,
            memory=Seconds(3_600),
            floor=EpochSeconds(0),
            revoked=tuple(entry for entry in entries if entry is not None),
        )
        marks.add(page, 0)
    claims = AccessClaims(
        iss=ISSUER, sub="usr_a", aud="a", client_id="c", exp=EpochSeconds(now + 60), iat=now, jti="j", sid="s", gid="g"
    )
    watched = Watched(claims, "kid")
    began = time.perf_counter()
    for _ in range(LOOKS):
        marks.check(watched)
    unchanged = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(LOOKS):
        watched.revision = None
        marks.check(watched)
    return unchanged / LOOKS * 1e6, (time.perf_counter() - began) / LOOKS * 1e6


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--services", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=300)
    parser.add_argument("--interval", type=float, default=0.01, help="seconds between revocations")
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    given = parser.parse_args()
    unchanged, changed = cost_of_a_look()
    print(f"a look among {KNOWN}: {unchanged:.2f} us when nothing came since, {changed:.2f} us when something did")
    plan = Race(
        nodes=given.nodes,
        services=given.services,
        tokens=given.tokens,
        interval=given.interval,
        database=given.database,
    )
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(race(plan, Path(folder)))
    print(f"{given.nodes} nodes, {given.services} services: {outcome}")


if __name__ == "__main__":
    main()
