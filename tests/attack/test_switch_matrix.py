"""F4, T5: each thing that can be switched off, at every door. What rests on it is refused at once; the rest works."""

from __future__ import annotations

import pytest

from keystead.app.answers import guarded
from keystead.app.catalogue import endpoints
from keystead.core.http import Request
from keystead.core.records.record import Record
from keystead.core.trace import new_trace
from keystead.oauth.catalogue import grants
from tests.attack.matrix.doors import NO_HANDLE
from tests.attack.matrix.switches import REMOVED, SWITCHES
from tests.attack.matrix.uses import USES
from tests.attack.matrix.world import World, open_world
from tests.issuer import Issuer

pytestmark = [pytest.mark.attack("F4"), pytest.mark.attack("T5")]


async def _working(world: World, switch: str) -> set[str]:
    """Get ready for everything, switch one thing off, and return what still works."""
    ready = {name: await use.make(world) for name, use in USES.items()}
    if switch:
        await SWITCHES[switch](world)
    return {name for name, use in USES.items() if await use.knock(world, ready[name])}


async def test_with_everything_on_everything_works(issuer: Issuer) -> None:
    assert set(USES) - await _working(await open_world(issuer), "") == set()


@pytest.mark.parametrize("switch", [name for name in SWITCHES if name != "realm"])
async def test_what_rests_on_it_is_refused_at_once_and_nothing_else(issuer: Issuer, switch: str) -> None:
    working = await _working(await open_world(issuer), switch)
    resting = {name for name, use in USES.items() if switch.removesuffix(REMOVED) in use.rests_on}
    assert resting, "no use rests on it"
    assert working & resting == set(), "it goes on"
    assert set(USES) - resting - working == set(), "refused, though it does not rest on it"


async def test_a_disabled_realm_is_not_there_for_any_endpoint_or_method(issuer: Issuer) -> None:
    world = await open_world(issuer)
    await SWITCHES["realm"](world)
    for path, endpoint in endpoints().items():
        answer = guarded(endpoint, issuer.cx)
        for method in endpoint.methods:
            request = Request(
                method=method,
                path=f"/realms/acme/{path}",
                query=b"",
                headers=(),
                body=b"",
                now=issuer.now,
                trace=new_trace(),
                realm="acme",
            )
            assert (await answer(request)).status == 404, (path, method)


def test_every_endpoint_is_in_the_matrix() -> None:
    known = {use.path for use in USES.values()} | set(NO_HANDLE) | set(UNDISTURBED)
    assert {path for path in endpoints() if path not in known and not path.startswith("static/")} == set()


UNDISTURBED = {
    "device/qr": "draws any well-formed code",
    "revoke": "what is dead may be revoked once more",
    "sign-in": "signs people in; the dispatcher judges what they came for",
}
"""Endpoints whose answer rests on nothing but the realm, and why."""


def test_every_grant_is_in_the_matrix() -> None:
    assert {f"grant {name}" for name in grants()} <= {thing for use in USES.values() for thing in use.rests_on}


def test_every_record_that_can_be_disabled_is_in_the_matrix() -> None:
    kinds = {kind.__name__ for kind in Record.__subclasses__() if "enabled" in kind.__struct_fields__}
    elsewhere = {"Agent"}  # tests/attack/test_workload_assertions.py: it vouches, and nothing else rests on it
    assert kinds == {"Realm", "Client", "Account", "Api", "Workload", "TrustedIssuer", "PartnerServer", *elsewhere}
