"""One corpus of bad tokens through every door of the running product: no door lets one in, none breaks.

The doors: introspection, userinfo, the subject token of an exchange, revocation (which must not do anything), and
the SDK in front of an API. The genuine signing key is taken from the issuer's own database, for tokens that only a
strict reader refuses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from keystead.app.key_encryption_key import load_key
from keystead.core.jose.keys import PrivateKey
from keystead.core.sealing import AesGcmSealer
from keystead.core.values import EpochSeconds
from keystead.oauth.keyring import StoreKeyRing
from keystead.sdk import KeyPolicy, Refused, VerifiedCaller, Verifier
from keystead.storage.sqlite import open_store
from tests.attack.corpus_jwt import Specimen, claims_of, forgeries
from tests.attack.corpus_jwt_signed import signed_mistakes
from tests.harness.configuration import CATALOG, INVENTORY, ORDERS
from tests.harness.issuer import RunningIssuer
from tests.harness.oauth_client import Answer, OAuthClient

AT_ONCE = 16


@dataclass
class Doors:
    """A running issuer, a genuine token for orders on behalf of alice, and who may offer it onwards."""

    issuer: RunningIssuer
    token: str
    orders: OAuthClient
    verifier: Verifier

    async def fire(self, specimens: list[Specimen], door: Any) -> list[tuple[Specimen, Answer]]:
        """Send every specimen to one door, a few at a time."""
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(specimen: Specimen) -> tuple[Specimen, Answer]:
            async with limit:
                return specimen, await door(specimen.token)

        return list(await asyncio.gather(*(one(specimen) for specimen in specimens)))

    async def signing_key(self) -> PrivateKey:
        """Return the issuer's genuine key."""
        sealer = AesGcmSealer(load_key(self.issuer.directory / "keystead.db.key"))
        store = open_store(str(self.issuer.directory / "keystead.db"))
        try:
            return await StoreKeyRing(store, sealer).signer("acme", EpochSeconds(int(time.time())))
        finally:
            await store.close()

    async def forged(self) -> list[Specimen]:
        """Return what an attacker can make of the genuine token."""
        jwks = (await self.orders.send("GET", f"{self.issuer.url}/jwks")).json
        return list(forgeries(self.token, jwks))

    async def mistaken(self) -> list[Specimen]:
        """Return what only a strict reader refuses."""
        return list(signed_mistakes(await self.signing_key(), "at+jwt", claims_of(self.token), int(time.time())))


@pytest.fixture
async def doors(served: RunningIssuer) -> AsyncIterator[Doors]:
    """All doors, and the proof that a genuine token passes them."""
    bff, orders = served.client("bff"), served.client("orders-service")
    code = await served.person("alice").authorize(bff, scope="openid orders:read")
    opaque = (await bff.redeem(code))["access_token"]
    token = (await bff.exchange(opaque, ORDERS))["access_token"]
    verifier = Verifier(issuer=served.url, audience=ORDERS, keys=KeyPolicy(unknown_kid_interval=3600))
    assert isinstance(await verifier.verify(token, "orders:read"), VerifiedCaller)
    assert (await orders.introspect(token))["active"] is True
    yield Doors(served, token, orders, verifier)
    assert (await orders.introspect(token))["active"] is True
    await verifier.close()


def refused(answer: Answer) -> bool:
    """Return whether an answer is a refusal, and not a failure."""
    return 400 <= answer.status < 500


@pytest.mark.attack("J1")
@pytest.mark.attack("J2")
@pytest.mark.attack("J3")
@pytest.mark.attack("J5")
@pytest.mark.attack("J10")
async def test_no_forged_token_passes_any_door(doors: Doors) -> None:
    corpus = await doors.forged()
    assert len(corpus) > 140
    for specimen in corpus:
        outcome = await doors.verifier.verify(specimen.token)
        assert isinstance(outcome, Refused), specimen.name
        assert outcome.status == 401, specimen.name
    inactive = await doors.fire(corpus, doors.orders.introspect)
    assert [
        specimen.name for specimen, answer in inactive if answer.body != b'{"active":false}' and not refused(answer)
    ] == []
    exchanged = await doors.fire(corpus, lambda token: doors.orders.exchange(token, INVENTORY))
    assert [specimen.name for specimen, answer in exchanged if not refused(answer)] == []
    for answer in (answer for _, answer in await doors.fire(corpus, doors.orders.revoke)):
        assert answer.status in (200, 400, 413)
    sendable = [specimen for specimen in corpus if specimen.token.isascii() and specimen.token.isprintable()]
    shown = await doors.fire(sendable, doors.orders.userinfo)
    assert [specimen.name for specimen, answer in shown if not refused(answer)] == []


@pytest.mark.attack("J4")
@pytest.mark.attack("J10")
@pytest.mark.attack("J11")
async def test_no_mistaken_token_passes_any_door(doors: Doors) -> None:
    corpus = await doors.mistaken()
    for specimen in corpus:
        assert isinstance(await doors.verifier.verify(specimen.token), Refused), specimen.name
    audience_is_for_the_api = [specimen for specimen in corpus if not specimen.name.startswith("claim-aud")]
    inactive = await doors.fire(audience_is_for_the_api, doors.orders.introspect)
    assert [specimen.name for specimen, answer in inactive if answer.json.get("active") is not False] == []
    exchanged = await doors.fire(corpus, lambda token: doors.orders.exchange(token, INVENTORY))
    assert [specimen.name for specimen, answer in exchanged if not refused(answer)] == []


@pytest.mark.attack("J3")
async def test_no_door_follows_a_url_in_a_token(doors: Doors) -> None:
    """A canary listens on loopback, at the address that `jku`, `x5u` and `kid` name."""
    visits: list[bytes] = []

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(await reader.read(1_024))
        writer.close()

    canary = await asyncio.start_server(visit, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{canary.sockets[0].getsockname()[1]}"
    jwks = (await doors.orders.send("GET", f"{doors.issuer.url}/jwks")).json
    corpus = [specimen for specimen in forgeries(doors.token, jwks, address) if specimen.attack == "J3"]
    for specimen in corpus:
        assert isinstance(await doors.verifier.verify(specimen.token), Refused)
    await doors.fire(corpus, doors.orders.introspect)
    await doors.fire(corpus, lambda token: doors.orders.exchange(token, INVENTORY))
    await asyncio.sleep(0.1)
    canary.close()
    assert len(corpus) > 30
    assert visits == []


@pytest.mark.attack("G7")
async def test_a_token_for_one_audience_opens_no_other(served: RunningIssuer) -> None:
    """Every service's token at every service: only the diagonal opens."""
    bff, orders = served.client("bff"), served.client("orders-service")
    code = await served.person("alice").authorize(bff, scope="openid catalog:read orders:read")
    opaque = (await bff.redeem(code))["access_token"]
    tokens = {audience: (await bff.exchange(opaque, audience))["access_token"] for audience in (CATALOG, ORDERS)}
    onward = await orders.exchange(tokens[ORDERS], INVENTORY)
    tokens[served.url] = (await bff.redeem(await served.person("alice").authorize(bff)))["access_token"]
    if onward.status == 200:
        tokens[INVENTORY] = onward["access_token"]
    verifiers = {audience: Verifier(issuer=served.url, audience=audience) for audience in (CATALOG, ORDERS, INVENTORY)}
    for audience, token in tokens.items():
        for service, verifier in verifiers.items():
            outcome = await verifier.verify(token)
            assert isinstance(outcome, VerifiedCaller) == (audience == service), (audience, service)
    for verifier in verifiers.values():
        assert isinstance(await verifier.verify(opaque), Refused)
        await verifier.close()
    assert len(tokens) >= 3
