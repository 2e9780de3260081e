"""The SDK is light: importing it brings no server, no database, no framework."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    *(
        "sqlite3",
        "aiohttp",
        "argon2",
        "asyncpg",
        "click",
        "fastapi",
        "httpx2",
        "httptools",
        "jinja2",
        "joserfc",
        "nats",
    ),
    *("pydantic", "rich", "starlette", "uvicorn", "uvloop", "yaml"),
    *(f"keystead.{name}" for name in ("api", "app", "authz", "bus", "cli", "demo", "gateway", "identity", "oauth")),
    *("keystead.storage", "keystead.web", "keystead.workload"),
}


@pytest.mark.parametrize(
    "module",
    ["keystead.sdk", "keystead.sdk.asgi", "keystead.sdk.wsgi", "keystead.sdk.journal", "keystead.sdk.verifier"],
)
def test_a_fresh_import_brings_nothing_heavy(module: str) -> None:
    program = f"import {module}, sys; print(*sys.modules)"
    loaded = set(subprocess.check_output([sys.executable, "-c", program], text=True).split())
    assert module in loaded
    assert sorted(loaded.intersection(HEAVY)) == []


def test_every_stable_name_is_there() -> None:
    import keystead.sdk

    assert all(getattr(keystead.sdk, name).__doc__ for name in keystead.sdk.__all__)
