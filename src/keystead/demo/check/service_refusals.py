"""What every service must refuse, whoever stands before it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import msgspec
import yaml

from keystead.demo.check.report import Step
from keystead.demo.check.world import World, expect
from keystead.demo.places import REALM, audience

SHORT_LIFE_SECONDS = 3
PATIENCE_SECONDS = 20
ORDER = msgspec.json.encode({"product": "axe", "quantity": 1})


def service_refusals(world: World) -> list[Step]:
    """Return what a service must refuse whoever stands before it."""
    part = "Refused by the services themselves"
    return [
        Step(part, "no token at all", lambda: expect(world.service("orders", "GET", "/orders"), 401)),
        Step(part, "a token meant for another service", lambda: _wrong_audience(world)),
        Step(part, "a token without the scope", lambda: _missing_scope(world)),
        Step(part, "an expired token", lambda: _expired(world)),
        Step(part, "a token with one character changed", lambda: _tampered(world)),
        Step(part, "an unsigned token", lambda: _unsigned(world)),
    ]


def _wrong_audience(world: World) -> str:
    token = world.tokens("alice", resource=audience("catalog"), scope="catalog:read")["access_token"]
    expect(world.service("catalog", "GET", "/products", token), 200)
    return expect(world.service("orders", "GET", "/orders", token), 401, says="invalid_token")


def _missing_scope(world: World) -> str:
    token = world.tokens("alice", resource=audience("orders"), scope="orders:read")["access_token"]
    return expect(world.service("orders", "POST", "/orders", token, ORDER), 403, says="insufficient_scope")


def _expired(world: World) -> str:
    """Shorten the life of such tokens in the file, apply it to the running issuer, take one, and wait."""
    with _changed_api(world, audience("orders"), access_token_lifetime=SHORT_LIFE_SECONDS):
        token = world.tokens("alice", resource=audience("orders"), scope="orders:read")["access_token"]
        expect(world.service("orders", "GET", "/orders", token), 200)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = world.service("orders", "GET", "/orders", token)
        if answer.status_code == httpx2.codes.UNAUTHORIZED:
            return expect(answer, 401, says="invalid_token") + ", after `keystead apply` shortened its life"
        time.sleep(0.2)
    raise AssertionError("the token outlived its time")


@contextmanager
def _changed_api(world: World, changed: str, **settings: int) -> Iterator[None]:
    """Change one API of the running system by `keystead apply`, and change it back afterwards."""
    before = world.places.config_file.read_text()
    document = yaml.safe_load(before)
    for api in document["realms"][REALM]["apis"]:
        if api["audience"] == changed:
            api.update(settings)
    try:
        _apply(world, yaml.safe_dump(document))
        yield
    finally:
        _apply(world, before)


def _apply(world: World, text: str) -> None:
    world.places.config_file.write_text(text)
    command = [sys.executable, "-m", "keystead.cli.main", "apply", "--config", str(world.places.config_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _tampered(world: World) -> str:
    token = world.tokens("alice", resource=audience("orders"), scope="orders:read")["access_token"]
    changed = token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]
    return expect(world.service("orders", "GET", "/orders", changed), 401, says="invalid_token")


def _unsigned(world: World) -> str:
    token = world.tokens("alice", resource=audience("orders"), scope="orders:read")["access_token"]
    unsigned = f"eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{token.split('.')[1]}."
    return expect(world.service("orders", "GET", "/orders", unsigned), 401, says="invalid_token")
