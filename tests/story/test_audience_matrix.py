"""Every service's token at every service's door: only its own opens."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from keystead.demo.check.story import sign_in
from keystead.demo.check.world import World
from keystead.demo.places import SERVICES, audience
from keystead.demo.run import Demo

DOORS = {
    "catalog": ("GET", "/products", "catalog:read"),
    "orders": ("GET", "/orders", "orders:read"),
    "inventory": ("POST", "/reservations", "inventory:reserve"),
    "billing": ("GET", "/invoices", "billing:read"),
}
ADMITTED = {200, 422}
"""422: inside, and then the body was wanting."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    demo = Demo(tmp_path_factory.mktemp("demo"), check=True)
    try:
        demo.start(lambda _: None)
        assert demo.check_client is not None
        made = World(demo.places, demo.passwords, demo.check_client, demo.traces)
        made.metadata = httpx2.get(f"{demo.places.issuer}/.well-known/openid-configuration").json()
        sign_in(made, "alice", consent=True)
        yield made
        made.close()
    finally:
        assert demo.stop() == []


def knock(world: World, service: str, token: str) -> httpx2.Response:
    method, path, _ = DOORS[service]
    return world.service(service, method, path, token)


@pytest.mark.attack("G7")
@pytest.mark.parametrize("meant_for", SERVICES)
def test_a_token_opens_its_own_service_and_no_other(world: World, meant_for: str) -> None:
    scope = DOORS[meant_for][2]
    token = world.tokens("alice", resource=audience(meant_for), scope=scope)["access_token"]
    for service in SERVICES:
        answer = knock(world, service, token)
        if service == meant_for:
            assert answer.status_code in ADMITTED, answer.text
        else:
            assert answer.status_code == 401, f"{meant_for}'s token at {service}: {answer.text}"
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.attack("J10")
def test_no_other_kind_of_token_opens_a_service(world: World) -> None:
    tokens = world.tokens("alice")
    for kind in ("id_token", "refresh_token"):
        for service in SERVICES:
            assert knock(world, service, tokens[kind]).status_code == 401, f"a {kind} opened {service}"
    for service in SERVICES:
        assert knock(world, service, world.client.client_secret).status_code == 401
