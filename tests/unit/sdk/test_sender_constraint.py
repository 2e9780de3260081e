"""Bound tokens at a service: proofs, certificates, replays, nonces; and the three doors in front of it."""

from __future__ import annotations

import io
from typing import Any

import httpx2
import pytest

from keystead.core.errors import ConfigurationError
from keystead.core.values import EpochSeconds, Secret
from keystead.sdk import Refused, SenderConstraint, VerifiedCaller, Verifier
from keystead.sdk.asgi import KeysteadMiddleware
from keystead.sdk.blocking_guard import arrival_in
from keystead.sdk.demand import Demand
from keystead.sdk.dpop import DpopKey
from keystead.sdk.dpop_client import DpopAuth
from keystead.sdk.presented import Presented
from keystead.sdk.replays import MemoryReplays, ReplayStoreFull
from tests.certificates import holder
from tests.dpop import Sender
from tests.unit.sdk.conftest import Clock
from tests.unit.sdk.loopback_issuer import LoopbackIssuer
from tests.unit.sdk.test_doors import fastapi_app, hello, serving

ORDERS = "https://orders.acme.example"
OWN, OTHER = holder("own"), holder("other")
pytestmark = pytest.mark.attack("A3")


def asgi_app(verifier: Verifier) -> KeysteadMiddleware:
    """Return a service where every request needs a token."""
    return KeysteadMiddleware(hello, verifier=verifier)


class Service:
    """A service with a verifier, called by one sender."""

    def __init__(self, issuer: LoopbackIssuer, clock: Clock, **constraint: Any) -> None:
        sender = SenderConstraint(**constraint) if constraint else None
        self.verifier = Verifier(issuer=issuer.url, audience=ORDERS, clock=clock, timer=clock, sender=sender)
        self.sender = Sender()
        self.clock = clock
        self.token = issuer.token(ORDERS, clock(), cnf={"jkt": self.sender.thumbprint})

    async def ask(self, *proofs: str, scheme: str = "dpop", token: str = "", **shown: Any) -> VerifiedCaller | Refused:
        """Show the token."""
        presented = Presented(token or self.token, scheme, "GET", "/orders", proofs, **shown)
        return await self.verifier.judge(presented, Demand())

    def proof(self, sender: Sender | None = None, url: str = f"{ORDERS}/orders", **changes: Any) -> str:
        """Return a proof for it."""
        return (sender or self.sender).proof("GET", url, int(self.clock()), token=self.token, **changes)


def reason(outcome: VerifiedCaller | Refused) -> str:
    """Return why a call was refused."""
    return outcome.reason if isinstance(outcome, Refused) else ""


@pytest.mark.spec("RFC 9449 section 7.1")
async def test_a_bound_token_wants_its_proof(issuer: LoopbackIssuer, clock: Clock) -> None:
    service = Service(issuer, clock)
    good = await service.ask(service.proof())
    assert isinstance(good, VerifiedCaller)
    assert "dpop" in [check.name for check in good.checks]
    used = service.proof()
    assert isinstance(await service.ask(used), VerifiedCaller)
    for proofs, why in (
        ((), "dpop.missing"),
        ((used,), "dpop.replayed"),
        ((service.proof(), service.proof()), "dpop.missing"),
        ((service.proof(Sender()),), "dpop.other_key"),
        ((service.proof(claims={"ath": "x"}),), "dpop.access_token"),
        ((service.proof(claims={"htm": "POST"}),), "dpop.method"),
        ((service.proof(claims={"iat": int(clock()) - 3600}),), "dpop.time"),
        ((service.proof(url=f"{ORDERS}/orders/7"),), "dpop.url"),
        ((service.proof(url="https://evil.test/orders"),), "dpop.url"),
        (("garbage",), "dpop.malformed"),
    ):
        refused = await service.ask(*proofs)
        assert isinstance(refused, Refused)
        assert (refused.status, refused.reason) == (401, why)
        assert refused.www_authenticate.startswith("DPoP ")
        assert 'algs="ES256 Ed25519 EdDSA PS256"' in refused.www_authenticate


@pytest.mark.spec("RFC 9449 section 7.2")
async def test_a_bound_token_is_no_bearer_token(issuer: LoopbackIssuer, clock: Clock) -> None:
    service = Service(issuer, clock)
    for outcome in (
        await service.ask(service.proof(), scheme="bearer"),
        await service.verifier.verify(service.token),
        await service.verifier.judge(service.token, Demand()),
    ):
        assert isinstance(outcome, Refused)
        assert (outcome.status, outcome.reason) == (401, "dpop.as_bearer")
        assert outcome.www_authenticate.startswith('Bearer error="invalid_token"')


@pytest.mark.spec("RFC 7800 section 3.1")
async def test_what_is_bound_in_an_unknown_way_is_refused(issuer: LoopbackIssuer, clock: Clock) -> None:
    service = Service(issuer, clock)
    unknown: list[dict[str, Any]] = [{}, {"kid": "k"}, {"jwk": {}}, {"jkt": ""}]
    for cnf in unknown:
        token = issuer.token(ORDERS, clock(), cnf=cnf)
        assert reason(await service.ask(scheme="bearer", token=token)) == "token.confirmation_unknown"
    malformed = issuer.token(ORDERS, clock(), cnf={"jkt": 7})
    assert reason(await service.ask(scheme="bearer", token=malformed)) == "jwt.claim_malformed"


@pytest.mark.spec("RFC 8705 section 3")
@pytest.mark.attack("A2")
async def test_a_certificate_bound_token_wants_its_certificate(issuer: LoopbackIssuer, clock: Clock) -> None:
    service = Service(issuer, clock)
    token = issuer.token(ORDERS, clock(), cnf={"x5t#S256": OWN.thumbprint})
    assert isinstance(await service.ask(scheme="bearer", token=token, certificate=OWN.der), VerifiedCaller)
    for certificate in (b"", OTHER.der):
        assert reason(await service.ask(scheme="bearer", token=token, certificate=certificate)) == "certificate.other"
    assert reason(await service.ask(service.proof(), token=token, certificate=OWN.der)) == "dpop.unbound"
    both = issuer.token(ORDERS, clock(), cnf={"x5t#S256": OWN.thumbprint, "jkt": service.sender.thumbprint})
    assert reason(await service.ask(scheme="bearer", token=both, certificate=OWN.der)) == "dpop.as_bearer"
    proof = service.sender.proof("GET", f"{ORDERS}/orders", int(clock()), token=both)
    assert isinstance(await service.ask(proof, token=both, certificate=OWN.der), VerifiedCaller)


@pytest.mark.spec("RFC 9449 section 7.1")
async def test_a_service_may_demand_bound_tokens(issuer: LoopbackIssuer, clock: Clock) -> None:
    plain = issuer.token(ORDERS, clock())
    assert isinstance(await Service(issuer, clock).ask(scheme="bearer", token=plain), VerifiedCaller)
    assert reason(await Service(issuer, clock).ask(token=plain)) == "dpop.unbound"
    strict = Service(issuer, clock, required=True)
    assert reason(await strict.ask(scheme="bearer", token=plain)) == "token.unbound"
    assert isinstance(await strict.ask(strict.proof()), VerifiedCaller)


@pytest.mark.spec("RFC 9449 section 9")
async def test_a_service_may_demand_nonces(issuer: LoopbackIssuer, clock: Clock) -> None:
    service = Service(issuer, clock, nonce_key=Secret("k" * 32))
    refused = await service.ask(service.proof())
    assert isinstance(refused, Refused)
    assert (refused.error, refused.status) == ("use_dpop_nonce", 401)
    nonce = refused.dpop_nonce
    for wrong in ("x", nonce[::-1]):
        assert reason(await service.ask(service.proof(claims={"nonce": wrong}))) == "dpop.nonce"
    good = await service.ask(service.proof(claims={"nonce": nonce}))
    assert isinstance(good, VerifiedCaller)
    assert good.next_nonce == ""
    service.token = issuer.token(ORDERS, clock(), cnf={"jkt": service.sender.thumbprint}, exp=int(clock()) + 900)
    clock.forward(61)
    aged = await service.ask(service.proof(claims={"nonce": nonce}))
    assert isinstance(aged, VerifiedCaller)
    assert aged.next_nonce not in ("", nonce)
    clock.forward(180)
    assert reason(await service.ask(service.proof(claims={"nonce": nonce}))) == "dpop.nonce"
    with pytest.raises(ConfigurationError):
        Service(issuer, clock, nonce_key=Secret("short"))


async def test_the_service_is_called_by_the_urls_it_names(issuer: LoopbackIssuer, clock: Clock) -> None:
    service = Service(issuer, clock, base_urls=("http://127.0.0.1:8101", "https://api.acme.example/orders-v1"))
    assert isinstance(await service.ask(service.proof(url="http://127.0.0.1:8101/orders")), VerifiedCaller)
    assert isinstance(await service.ask(service.proof(url="https://api.acme.example/orders-v1/orders")), VerifiedCaller)
    assert reason(await service.ask(service.proof())) == "dpop.url"
    for wrong in ("orders.acme.example", "https://orders.acme.example?a", "ftp://orders.acme.example"):
        with pytest.raises(ConfigurationError):
            Service(issuer, clock, base_urls=(wrong,))


@pytest.mark.spec("RFC 9449 section 11.1")
async def test_replays_are_remembered_within_bounds(issuer: LoopbackIssuer, clock: Clock) -> None:
    replays = MemoryReplays(maximum=3)
    now = EpochSeconds(100)
    keys = [f"{number:064x}" for number in range(1 << 130, (1 << 130) + 1)] + [f"{n}" * 64 for n in (1, 2, 3)]
    assert [await replays.claim(key, EpochSeconds(200), now) for key in keys[:3]] == [True, True, True]
    assert not await replays.claim(keys[0], EpochSeconds(200), now)
    with pytest.raises(ReplayStoreFull):
        await replays.claim(keys[3], EpochSeconds(200), now)
    assert await replays.claim(keys[3], EpochSeconds(400), EpochSeconds(200))
    assert await replays.claim(keys[0], EpochSeconds(400), EpochSeconds(200))
    shared = MemoryReplays()
    first, second = Service(issuer, clock, replays=shared), Service(issuer, clock, replays=shared)
    second.sender, second.token = first.sender, first.token
    used = first.proof()
    assert isinstance(await first.ask(used), VerifiedCaller)
    assert reason(await second.ask(used)) == "dpop.replayed"
    full = Service(issuer, clock, replays=MemoryReplays(maximum=0))
    refused = await full.ask(full.proof())
    assert isinstance(refused, Refused)
    assert (refused.status, refused.reason) == (503, "dpop.replay_store_full")


@pytest.mark.spec("RFC 9449 section 7.1")
@pytest.mark.parametrize("door", ["asgi", "fastapi"])
async def test_the_doors_pass_proofs_and_nonces_on(issuer: LoopbackIssuer, clock: Clock, door: str) -> None:
    key = DpopKey(clock=clock)
    token = issuer.token(ORDERS, clock(), cnf={"jkt": key.thumbprint}, exp=int(clock()) + 900, acr="1")
    inner: list[Any] = []

    async def late(scope: Any, receive: Any, send: Any) -> None:
        await inner[0](scope, receive, send)

    async with serving(late) as base:
        sender = SenderConstraint(base_urls=(base,), nonce_key=Secret("k" * 32))
        verifier = Verifier(issuer=issuer.url, audience=ORDERS, clock=clock, timer=clock, sender=sender)
        inner.append(fastapi_app(verifier, io.StringIO()) if door == "fastapi" else asgi_app(verifier))
        auth = DpopAuth(base, key, token)
        async with httpx2.AsyncClient(auth=auth, trust_env=False) as client:
            for _ in range(2):
                answer = await client.get(f"{base}/orders?page=1")
                assert answer.status_code == 200, answer.text
            clock.forward(61)
            aged = await client.get(f"{base}/orders")
            assert (aged.status_code, bool(aged.headers["dpop-nonce"])) == (200, True)
            with pytest.raises(ConfigurationError):
                await client.get("http://127.0.0.2:1/orders")
        async with httpx2.AsyncClient(trust_env=False) as plain:
            stolen = await plain.get(f"{base}/orders", headers={"authorization": f"Bearer {token}"})
            assert (stolen.status_code, stolen.headers["www-authenticate"][:6]) == (401, "Bearer")


@pytest.mark.spec("RFC 8705 section 3")
def test_the_wsgi_door_reads_proof_and_certificate(issuer: LoopbackIssuer) -> None:
    """The door itself; what comes through it is the same verifier."""
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "/app",
        "PATH_INFO": "/or ders",
        "HTTP_DPOP": "proof",
        "HTTP_SSL_CLIENT_CERT": OTHER.pem,
        "SSL_CLIENT_CERT": OWN.pem,
    }
    arrival = arrival_in(environ)
    assert (arrival.raw_path, arrival.certificate) == ("/app/or%20ders", OWN.der)
    assert list(arrival.headers) == [(b"dpop", b"proof")]
