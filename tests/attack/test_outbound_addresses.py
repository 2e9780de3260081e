"""Addresses that are another address in disguise: what carries an IPv4 address inside is judged by that one."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address, ip_network

import pytest

from keystead.app.outbound import GuardedOutbound, require_allowed
from keystead.core.protocols import OutboundRefused
from tests.receiver import receiver

pytestmark = pytest.mark.attack("S1")

DISGUISED = (
    "64:ff9b::7f00:1",  # NAT64 (RFC 6052) of 127.0.0.1
    "64:ff9b::a9fe:a9fe",  # of the cloud's metadata service
    "64:ff9b::a00:1",  # of 10.0.0.1
    "64:ff9b:1::a9fe:a9fe",  # NAT64 within one network (RFC 8215)
    "::ffff:169.254.169.254",
    "::ffff:0:169.254.169.254",  # translated (RFC 2765)
    "::127.0.0.1",  # IPv4-compatible
    "::a9fe:a9fe",
    "2002:a9fe:a9fe::1",  # 6to4
    "2001:0:a9fe:a9fe::1",  # Teredo
    "fec0::1",  # site-local
    "fe80::5efe:a9fe:a9fe",  # ISATAP
    "ff02::1",
)


@pytest.mark.parametrize("address", DISGUISED)
async def test_no_spelling_reaches_an_inner_address(address: str) -> None:
    outbound = GuardedOutbound()
    with pytest.raises(OutboundRefused, match="no public address"):
        await outbound.get(f"https://[{address}]/jwks")
    with pytest.raises(OutboundRefused, match="no public address"):
        require_allowed(ip_address(address), ())
    await outbound.close()


def test_public_addresses_stay_open() -> None:
    for address in ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"):
        require_allowed(ip_address(address), ())


def test_an_allowed_network_is_allowed_in_every_spelling_of_it() -> None:
    allowed = (ip_network("10.0.0.0/8"),)
    require_allowed(ip_address("64:ff9b::a00:1"), allowed)
    with pytest.raises(OutboundRefused):
        require_allowed(ip_address("64:ff9b::a9fe:a9fe"), allowed)


async def test_servers_that_never_answer_keep_no_message_waiting(tarpit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers name addresses we fetch (`jwks_uri`, a metadata document); logout tokens must go out meanwhile."""
    monkeypatch.setattr("keystead.app.outbound._DEADLINE_SECONDS", 90.0)
    outbound = GuardedOutbound((ip_network("127.0.0.0/8"),))
    fetches = [asyncio.create_task(outbound.get(f"{tarpit}/{number}")) for number in range(80)]
    await asyncio.sleep(0.2)
    async with receiver() as other:
        answer = await asyncio.wait_for(outbound.post(f"{other.origin}/logout", b"x", ()), 60)
        assert answer.status == 200
    assert not any(task.done() for task in fetches), "the fetches were meant to be under way still"
    for task in fetches:
        task.cancel()
    await asyncio.gather(*fetches, return_exceptions=True)
    await outbound.close()
