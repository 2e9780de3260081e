"""What must be over when it is over."""

from __future__ import annotations

import time
from typing import Final

import httpx2

from keystead.demo.check.report import Step
from keystead.demo.check.world import World, expect
from keystead.demo.places import audience

PATIENCE_SECONDS: Final = 10


def endings(world: World) -> list[Step]:
    """Return what must be over when it is over."""
    part = "Over when it is over"
    return [
        Step(part, "a revoked token is inactive at once", lambda: _revoked(world)),
        Step(part, "a service that never asks about it refuses it too", lambda: _refused(world)),
        Step(part, "after signing out the old cookie opens nothing", lambda: _signed_out(world)),
        Step(part, "signing out at the issuer ends the shop's session too", lambda: _signed_out_there(world)),
        Step(part, "no secret is in any log line", lambda: _no_secret_in_logs(world)),
    ]


def _revoked(world: World) -> str:
    token = world.tokens("alice")["access_token"]
    assert world.post("introspection_endpoint", token=token).json()["active"] is True
    expect(world.post("revocation_endpoint", token=token), 200)
    assert world.post("introspection_endpoint", token=token).json()["active"] is False
    return "active before, inactive after"


def _refused(world: World) -> str:
    """A service follows the revocation feed: it learns of the end of a token without looking it up."""
    token = world.tokens("alice", resource=audience("orders"), scope="orders:read")["access_token"]
    expect(world.service("orders", "GET", "/orders", token), 200)
    expect(world.post("revocation_endpoint", token=token), 200)
    revoked = time.monotonic()
    while world.service("orders", "GET", "/orders", token).status_code == httpx2.codes.OK:
        assert time.monotonic() < revoked + PATIENCE_SECONDS, "the news of the revocation did not arrive"
    seconds = time.monotonic() - revoked
    answer = expect(world.service("orders", "GET", "/orders", token), 401, says="invalid_token")
    return f"{answer}, {seconds * 1000:.0f} ms after the revocation"


def _signed_out(world: World) -> str:
    person = world.person("alice")
    before = dict(person.cookies["localhost"])
    answer = world.shop("alice", "POST", "/bff/logout")
    assert answer.status_code in (200, 204, 303), answer.text
    person.cookies["localhost"] = before
    return expect(world.shop("alice", "GET", "/api/orders/orders"), 401)


def _signed_out_there(world: World) -> str:
    """The issuer tells the gateway, server to server; carol's browser has no part in it."""
    person = world.person("carol")
    expect(world.shop("carol", "GET", "/bff/user"), 200)
    person.visit(f"{world.places.issuer}/logout")
    person.submit("logout-yes")
    ended = time.monotonic()
    while world.shop("carol", "GET", "/bff/user").status_code == httpx2.codes.OK:
        assert time.monotonic() < ended + PATIENCE_SECONDS, "the shop did not hear of it"
    return f"401, {(time.monotonic() - ended) * 1000:.0f} ms after the issuer's page"


def _no_secret_in_logs(world: World) -> str:
    logs = sorted((world.places.directory / "logs").glob("*.log"))
    text = "\n".join(log.read_text(errors="replace") for log in logs)
    leaked = [secret for secret in world.secrets_seen if secret in text]
    assert not leaked, f"{len(leaked)} of {len(world.secrets_seen)} secrets stand in the logs"
    return f"{len(world.secrets_seen)} secrets, {len(text.splitlines())} lines"
