"""C3, J10: every kind of handle at every door. It opens its own, and after all the others its own still opens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import keystead
from keystead.app.catalogue import endpoints
from keystead.core.forms import Form
from keystead.oauth.catalogue import client_authentications, grants
from tests.attack.matrix.doors import DOORS, NO_HANDLE
from tests.attack.matrix.handles import KINDS
from tests.attack.matrix.world import ASSERTED_METHODS, open_world
from tests.issuer import Issuer

pytestmark = [pytest.mark.attack("C3"), pytest.mark.attack("J10")]


@pytest.mark.parametrize("name", KINDS)
async def test_a_handle_opens_its_own_doors_and_no_other(issuer: Issuer, name: str) -> None:
    world, kind = await open_world(issuer), KINDS[name]
    handle = await kind.make(world)
    opened = [door for door in DOORS if door not in kind.doors and await DOORS[door].knock(world, handle)]
    assert opened == []
    shut = [door for door in kind.doors[:1] if not await DOORS[door].knock(world, handle)]
    assert shut == [], "what was tried before has used the handle up"


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if len(kind.doors) > 1])
async def test_every_door_of_a_handle_opens(issuer: Issuer, name: str) -> None:
    world, kind = await open_world(issuer), KINDS[name]
    shut = [door for door in kind.doors if not await DOORS[door].knock(world, await kind.make(world))]
    assert shut == []


def test_every_endpoint_is_in_the_matrix() -> None:
    known = {door.path for door in DOORS.values()} | set(NO_HANDLE)
    assert {path for path in endpoints() if path not in known and not path.startswith("static/")} == set()
    assert {path for path in known if path not in endpoints()} == {"static/"}


def test_every_grant_is_in_the_matrix() -> None:
    assert {door.grant for door in DOORS.values() if door.grant} == set(grants())


def test_every_way_to_show_an_assertion_as_a_client_is_in_the_matrix() -> None:
    elsewhere = {"attest_jwt_client_auth", "client_secret_basic", "client_secret_post", "none"}
    certificates = {"tls_client_auth", "self_signed_tls_client_auth"}
    methods = {one.method for one in client_authentications()}
    assert methods == {*ASSERTED_METHODS, *elsewhere, *certificates}


def test_every_parameter_long_enough_for_a_token_is_in_the_matrix() -> None:
    shown = {name.rpartition(" ")[2] for name in DOORS} | {"token", "assertion", "subject_token", "client_assertion"}
    no_handles = {"claims", "authorization_details", "request_details", "request_context"}
    assert set(_token_parameters(Form)) - shown == no_handles


def _token_parameters(form: type[Form]) -> Iterator[str]:
    for kind in form.__subclasses__():
        yield from _token_parameters(kind)
        fields = msgspec.inspect.type_info(kind)
        assert isinstance(fields, msgspec.inspect.StructType)
        if kind.__module__.startswith("keystead."):
            yield from (one.encode_name for one in fields.fields if (getattr(one.type, "max_length", 0) or 0) > 4_096)


def test_a_door_that_nothing_opens_is_meant_to_stay_shut() -> None:
    opened = {door for kind in KINDS.values() for door in kind.doors}
    assert set(DOORS) - opened == SHUT
    assert opened <= set(DOORS)


SHUT = {
    "exchange refresh_token",
    "id-jag access_token",
    "par request_uri",
    "client_assertion client_secret_jwt",
    "client_assertion spiffe_jwt",
    "client_assertion trusted_issuer",
    "client_assertion workload",
}
"""Doors no handle here is for: what they take is made elsewhere, and tested where it is made; or they take nothing."""


async def test_every_prefix_is_of_one_kind_that_is_in_the_matrix(issuer: Issuer) -> None:
    """A prefix says what a handle is, so that no place ever has to find out by looking for it."""
    world = await open_world(issuer)
    begins: dict[str, list[str]] = {}
    for name, kind in KINDS.items():
        begins.setdefault((await kind.make(world))[:4], []).append(name)
    written = re.findall(
        r'(?:PREFIX\w*(?:: Final)? = |"device", |"ciba", )"(ks[a-z]_)"',
        "".join(path.read_text() for path in Path(keystead.__file__).parent.rglob("*.py")),
    )
    assert len(written) == len(set(written)), "two kinds begin alike"
    assert set(written) == {prefix for prefix in begins if prefix.startswith("ks")}
