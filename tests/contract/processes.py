"""What other processes do while a test runs: `python -m tests.contract.processes ROLE BACKEND LOCATION [ARGUMENT]`.

Every role says `ready` on a line, waits for a line, does its part, and prints what came of it as JSON lines.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from keystead.storage.ports import (
    Redeemed,
    Replaced,
    Rotate,
    Rotated,
    Store,
    Stored,
    Write,
    emit,
    find,
    get,
    offer,
    put,
    redeem,
    rotate,
)
from tests.contract.backends import BACKENDS
from tests.contract.kinds import LATER, NOW, Person, Setting
from tests.harness.postgres import schema_for

ROOT: Final = Path(__file__).parents[2]
KEYS: Final = 100


def say(value: Any) -> None:
    """Print a result."""
    print(json.dumps(value), flush=True)


async def redeemer(store: Store, argument: str) -> None:
    """Redeem every key from several tasks at once; print the keys won."""
    won: list[int] = []

    async def redeem_one(key: int) -> None:
        if isinstance(await store.write(partial(redeem, "acme", "code", str(key), NOW)), Redeemed):
            won.append(key)

    await asyncio.gather(*(redeem_one(key) for key in range(KEYS) for _ in range(8)))
    say(won)


async def namer(store: Store, argument: str) -> None:
    """Create people of own ids under names everybody wants; print the names won."""
    won: list[int] = []

    async def name(key: int) -> None:
        person = Person(realm="acme", id=f"{argument}-{key}", name=str(key))
        if isinstance(await store.write(partial(put, person, NOW)), Stored):
            won.append(key)

    await asyncio.gather(*(name(key) for key in range(KEYS)))
    say(won)


async def rotator(store: Store, argument: str) -> None:
    """Offer the first member of every family; print the families rotated and the successors put in place."""
    rotated: list[int] = []
    successors: dict[int, str] = {}

    async def offer_first(key: int) -> None:
        successor = f"{argument}-{key}"
        operation = Rotate("acme", str(key), 1, "first", successor, "b", LATER, LATER, NOW)  # type: ignore[arg-type]
        outcome = await store.write(partial(rotate, operation))
        if isinstance(outcome, Rotated):
            rotated.append(key)
        if isinstance(outcome, Rotated | Replaced):
            successors[key] = successor

    await asyncio.gather(*(offer_first(key) for key in range(KEYS)))
    say([rotated, successors])


async def emitter(store: Store, argument: str) -> None:
    """Emit events, one transaction each, in several tasks."""

    async def emit_some(task: int) -> None:
        for number in range(KEYS // 4):
            payload = f"{argument}:{task}:{number}".encode()
            await store.write(partial(emit, "acme", "topic", payload, NOW, LATER))

    await asyncio.gather(*(emit_some(task) for task in range(4)))
    say("done")


async def watcher(store: Store, argument: str) -> None:
    """Answer each line with what this process sees of the setting `x`."""
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        setting = await store.read(get(Setting, "acme", "x", NOW))
        listed = await store.read(find(Setting, "acme", NOW, index="group", value="g"))
        inside = await store.write(partial(get, Setting, "acme", "x", NOW))
        assert inside == setting
        say([setting.value if setting else None, [each.value for each in listed]])


async def crier(store: Store, argument: str) -> None:
    """Answer each line by emitting an event; print when it was acknowledged."""
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        await store.write(partial(emit, "acme", "topic", b"", NOW, LATER))
        say(time.monotonic())


async def writer(store: Store, argument: str) -> None:
    """Write for ever, from several tasks; print every acknowledged key after its acknowledgement."""

    async def write_some(task: int) -> None:
        number = 0
        while True:
            key = f"{argument}:{task}:{number}"
            await store.write(partial(_two, key))
            say(key)
            number += 1

    await asyncio.gather(*(write_some(task) for task in range(8)))


def _two(key: str) -> Write[None]:
    """Two rows that must never be seen apart."""
    yield from offer("acme", "left", key, b"", LATER)
    yield from offer("acme", "right", key, b"", LATER)


async def opener(store: Store, argument: str) -> None:
    """Write once, to see that the database is whole."""
    await store.write(partial(offer, "acme", "opened", argument, b"", LATER))
    say("done")


ROLES: Final[dict[str, Callable[[Store, str], Awaitable[None]]]] = {
    role.__name__: role for role in (redeemer, namer, rotator, emitter, watcher, crier, writer, opener)
}


def start(role: str, backend: str, where: str, argument: str = "") -> subprocess.Popen[str]:
    """Start a process in a role; it waits for its first line."""
    if backend == "postgres":
        schema_for(where)  # the server is this process's: were it not there yet, each child would start one of its own
    return subprocess.Popen(
        [sys.executable, "-m", "tests.contract.processes", role, backend, where, argument],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def tell(process: subprocess.Popen[str], line: str = "") -> None:
    """Send a process a line."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> Any:
    """Receive a process's next result."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the process ended with {process.wait()}"
    return json.loads(line)


def race(role: str, backend: str, where: str, runners: int = 4) -> list[Any]:
    """Run a role in several processes that start together; return what each printed."""
    processes = [start(role, backend, where, str(number)) for number in range(runners)]
    try:
        for process in processes:
            assert hear(process) == "ready"
        for process in processes:
            tell(process)
        results = [hear(process) for process in processes]
        assert [process.wait(30) for process in processes] == [0] * runners
    finally:
        end(*processes)
    return results


def end(*processes: subprocess.Popen[str]) -> None:
    """Make sure that nothing is left running or open."""
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


async def main() -> None:
    """Take part."""
    role, backend, where, argument = sys.argv[1:5]
    opens_itself = role == "opener"
    if opens_itself:
        say("ready")
        sys.stdin.readline()
    store = BACKENDS[backend](where)
    if not opens_itself:
        say("ready")
        sys.stdin.readline()
    await ROLES[role](store, argument)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
