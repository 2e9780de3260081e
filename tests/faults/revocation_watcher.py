"""A service process under load: verifies all its tokens over and over, and notes when each is first refused.

Shape: on standard input one JSON object `{issuer, audience, tokens, revoked, pause, seconds}`; on standard output a
line `ready` once every token was accepted, and at the end `{refused: {index: monotonic time}, verified, accepted}`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import msgspec

from keystead.sdk import Refused, Verifier


async def watch(task: dict[str, Any]) -> dict[str, Any]:
    """Verify until every token that will be revoked was refused, or the time is up."""
    verifier = Verifier(issuer=task["issuer"], audience=task["audience"])
    tokens: list[str] = task["tokens"]
    for token in tokens:
        outcome = await verifier.verify(token)
        if isinstance(outcome, Refused):
            raise SystemExit(f"refused from the start: {outcome.reason}")
    print("ready", flush=True)
    refused: dict[str, float] = {}
    verified = 0
    until = time.monotonic() + task["seconds"]
    while len(refused) < task["revoked"] and time.monotonic() < until:
        for index, token in enumerate(tokens):
            if str(index) in refused:
                continue
            verified += 1
            if isinstance(await verifier.verify(token), Refused):
                refused[str(index)] = time.monotonic()
        await asyncio.sleep(task["pause"])
    kept = [index for index in range(len(tokens)) if str(index) not in refused]
    accepted = [index for index in kept if not isinstance(await verifier.verify(tokens[index]), Refused)]
    return {"refused": refused, "verified": verified, "accepted": accepted}


if __name__ == "__main__":
    print(msgspec.json.encode(asyncio.run(watch(msgspec.json.decode(sys.stdin.buffer.readline())))).decode())
