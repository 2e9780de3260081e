"""The verifier against a real key document over HTTP: who is let in, who is not, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.errors import ConfigurationError
from keystead.core.jose.algorithms import generate
from keystead.core.jose.jws import sign
from keystead.sdk import KeyPolicy, Refused, VerifiedCaller, Verifier
from tests.unit.sdk.conftest import Clock
from tests.unit.sdk.loopback_issuer import LoopbackIssuer

ORDERS = "https://orders.acme.example"


def verifier_for(issuer: LoopbackIssuer, clock: Clock, **options: Any) -> Verifier:
    """Return a verifier for orders."""
    return Verifier(issuer=issuer.url, audience=ORDERS, clock=clock, timer=clock, **options)


@pytest.mark.spec("RFC 9068 section 4")
async def test_a_good_token_tells_who_calls(issuer: LoopbackIssuer, clock: Clock) -> None:
    verifier = verifier_for(issuer, clock)
    token = issuer.token(
        ORDERS,
        clock(),
        act={"sub": "orders", "act": {"sub": "gateway"}},
        acr="1",
        amr=["pwd"],
        roles=["customer"],
        sid="s",
    )
    caller = await verifier.verify(token, "orders:read")
    assert isinstance(caller, VerifiedCaller)
    assert (caller.subject, caller.client_id, caller.of_person) == ("usr_alice", "shop", True)
    assert caller.actors == ("orders", "gateway")
    assert caller.scopes == {"orders:read", "orders:write"}
    assert (caller.acr, caller.amr, caller.roles, caller.session) == ("1", ("pwd",), ("customer",), "s")
    assert [check.name for check in caller.checks] == [
        "signature",
        "issuer",
        "audience",
        "expiry",
        "beginning",
        "revocation",
        "scope",
    ]
    assert all(check.passed for check in caller.checks)
    assert caller.token.reveal() == token
    assert token not in repr(caller)
    assert caller.credential().lifetime == 60
    await verifier.close()


@pytest.mark.parametrize("scopes", ["orders:admin", ["orders:read", "orders:admin"], "orders:read orders:admin"])
@pytest.mark.spec("RFC 6750 section 3.1")
async def test_a_missing_scope_is_named(issuer: LoopbackIssuer, clock: Clock, scopes: Any) -> None:
    refused = await verifier_for(issuer, clock).verify(issuer.token(ORDERS, clock()), scopes)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.error, refused.reason) == (403, "insufficient_scope", "token.scope_missing")
    assert 'error="insufficient_scope"' in refused.www_authenticate
    assert "orders:admin" in refused.www_authenticate
    assert refused.credential is not None
    assert refused.credential.subject == "usr_alice"


@pytest.mark.spec("RFC 9470 section 3")
async def test_a_step_up_is_asked_for_in_the_challenge(issuer: LoopbackIssuer, clock: Clock) -> None:
    verifier = verifier_for(issuer, clock)
    weak = issuer.token(ORDERS, clock(), acr="1", auth_time=int(clock()) - 1000)
    refused = await verifier.verify(weak, acr_values=("2", "3"), max_auth_age=300)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.reason) == (401, "token.acr_insufficient")
    assert 'error="insufficient_user_authentication"' in refused.www_authenticate
    assert 'acr_values="2 3"' in refused.www_authenticate
    assert 'max_age="300"' in refused.www_authenticate
    old = await verifier.verify(weak, acr_values="1", max_auth_age=300)
    assert isinstance(old, Refused)
    assert old.reason == "token.authentication_too_old"
    assert isinstance(await verifier.verify(weak, acr_values="1", max_auth_age=1000), VerifiedCaller)
    without = await verifier.verify(issuer.token(ORDERS, clock()), max_auth_age=300)
    assert isinstance(without, Refused)


async def test_every_check_that_passed_says_so_and_the_failing_one_is_last(
    issuer: LoopbackIssuer, clock: Clock
) -> None:
    verifier = verifier_for(issuer, clock)
    token = issuer.token(ORDERS, clock(), acr="2", auth_time=int(clock()) - 10)
    caller = await verifier.verify(token, "orders:read", acr_values="1 2", max_auth_age=10, actors="shop")
    assert isinstance(caller, VerifiedCaller)
    asked = ["scope", "acr", "authentication age", "actors"]
    assert [check.name for check in caller.checks][6:] == asked
    assert all(check.passed for check in caller.checks)
    demands: list[dict[str, Any]] = [
        {"scopes": "orders:admin"},
        {"acr_values": "3"},
        {"max_auth_age": 9},
        {"actors": "gateway"},
    ]
    for name, wanted in zip(asked, demands, strict=True):
        refused = await verifier.verify(token, **wanted)
        assert isinstance(refused, Refused)
        assert (refused.checks[-1].name, refused.checks[-1].passed) == (name, False)
        assert all(check.passed for check in refused.checks[:-1])
        assert len(refused.checks) == 7


@pytest.mark.spec("RFC 8693 section 4.1")
async def test_only_named_parties_may_hold_the_token(issuer: LoopbackIssuer, clock: Clock) -> None:
    verifier = verifier_for(issuer, clock)
    through_gateway = issuer.token(ORDERS, clock(), act={"sub": "gateway"})
    direct = issuer.token(ORDERS, clock(), jti="j2")
    assert isinstance(await verifier.verify(through_gateway, actors="gateway"), VerifiedCaller)
    assert isinstance(await verifier.verify(direct, actors="shop"), VerifiedCaller)
    for token, actors in ((through_gateway, "shop"), (direct, "gateway"), (direct, ()), (through_gateway, ["billing"])):
        refused = await verifier.verify(token, actors=actors)
        assert isinstance(refused, Refused)
        assert (refused.status, refused.reason) == (403, "token.actor_not_allowed")


async def test_actors_are_parsed_and_bounded(issuer: LoopbackIssuer, clock: Clock) -> None:
    verifier = verifier_for(issuer, clock)

    def chain(length: int) -> dict[str, Any]:
        act: dict[str, Any] = {"sub": "first"}
        for number in range(length - 1):
            act = {"sub": f"a{number}", "act": act}
        return act

    assert isinstance(await verifier.verify(issuer.token(ORDERS, clock(), act=chain(8))), VerifiedCaller)
    bad: list[Any] = [chain(9), chain(12), {"sub": 1}, {"act": {"sub": "x"}}, "gateway", ["gateway"], {"sub": ["x"]}]
    for act in bad:
        refused = await verifier.verify(issuer.token(ORDERS, clock(), act=act))
        assert isinstance(refused, Refused), act
        assert refused.status == 401


async def test_a_token_is_remembered_but_never_past_its_end_nor_for_another_demand(
    issuer: LoopbackIssuer, clock: Clock
) -> None:
    verifier = verifier_for(issuer, clock)
    token = issuer.token(ORDERS, clock())
    for _ in range(3):
        assert isinstance(await verifier.verify(token, "orders:read"), VerifiedCaller)
        assert isinstance(await verifier.verify(token, "orders:delete"), Refused)
    clock.forward(59)
    assert isinstance(await verifier.verify(token), VerifiedCaller)
    clock.forward(1)
    refused = await verifier.verify(token)
    assert isinstance(refused, Refused)
    assert refused.reason == "jwt.expired"
    assert issuer.requests[issuer.jwks_path] == 1


async def test_a_remembered_token_dies_with_its_key(issuer: LoopbackIssuer, clock: Clock) -> None:
    verifier = verifier_for(issuer, clock, keys=KeyPolicy(refresh_after=10, fail_after=20))
    token = issuer.token(ORDERS, clock())
    assert isinstance(await verifier.verify(token), VerifiedCaller)
    issuer.keys = [generate("ES256")]
    clock.forward(21)
    refused = await verifier.verify(token)
    assert isinstance(refused, Refused)
    assert refused.reason == "jwt.key_unknown"


async def test_memory_is_bounded(issuer: LoopbackIssuer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keystead.sdk.verifier._REMEMBERED", 10)
    verifier = verifier_for(issuer, clock)
    for number in range(25):
        assert isinstance(await verifier.verify(issuer.token(ORDERS, clock(), jti=f"j{number}")), VerifiedCaller)
        assert isinstance(await verifier.verify("x" * number), Refused)
    assert len(verifier._proved) == 10


@pytest.mark.attack("G7")
@pytest.mark.parametrize("audience", ["", " ", None, ["https://a.example"]])
def test_it_refuses_to_start_without_an_audience(audience: Any) -> None:
    with pytest.raises(ConfigurationError, match="audience is mandatory"):
        Verifier(issuer="https://id.example", audience=audience)


@pytest.mark.parametrize(
    "issuer_url",
    [
        "",
        "id.example",
        "http://id.example",
        "http://10.0.0.1/realms/acme",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://id.example",
        "https://user:secret@id.example",
        "https://id.example/",
        "https://id.example?x",
        "https://id.example#x",
        "https://id.example:port",
    ],
)
def test_it_refuses_to_start_with_an_unsafe_issuer(issuer_url: str) -> None:
    with pytest.raises(ConfigurationError, match="issuer"):
        Verifier(issuer=issuer_url, audience=ORDERS)


def test_it_starts_with_safe_issuers_and_named_dangers() -> None:
    for url in ("https://id.example", "http://localhost:8080/realms/acme", "http://[::1]:1", "http://127.9.9.9"):
        Verifier(issuer=url, audience=ORDERS)
    Verifier(issuer="http://id.internal/realms/acme", audience=ORDERS, danger_allow_plain_http=True)
    with pytest.raises(ConfigurationError, match="algorithms"):
        Verifier(issuer="https://id.example", audience=ORDERS, algorithms=["none"])


async def test_demands_that_could_forge_a_header_are_refused(issuer: LoopbackIssuer, clock: Clock) -> None:
    verifier = verifier_for(issuer, clock)
    for scope in ('a"b', "a\\b", "é", "a\x00b"):
        with pytest.raises(ConfigurationError, match="scope"):
            await verifier.verify("x", [scope])
    with pytest.raises(ConfigurationError, match="max_auth_age"):
        await verifier.verify("x", max_auth_age=-1)


async def test_a_feed_of_revocations_is_asked_each_time_and_must_be_fresh(issuer: LoopbackIssuer, clock: Clock) -> None:
    from keystead.core.decisions import Check
    from keystead.sdk.revocations import Watched

    class Feed:
        dead: set[str] = set()
        on_time = True

        async def settle(self) -> None:
            pass

        def fresh(self) -> bool:
            return self.on_time

        def check(self, watched: Watched) -> Check:
            return Check("revocation", watched.claims.jti not in self.dead, "looked at the feed")

    feed = Feed()
    verifier = verifier_for(issuer, clock, revocations=feed)
    token = issuer.token(ORDERS, clock())
    assert isinstance(await verifier.verify(token), VerifiedCaller)
    feed.dead.add("j1")
    revoked = await verifier.verify(token)
    assert isinstance(revoked, Refused)
    assert (revoked.status, revoked.reason) == (401, "token.revoked")
    feed.on_time = False
    stale = await verifier.verify(token)
    assert isinstance(stale, Refused)
    assert (stale.status, stale.reason) == (503, "revocations.stale")


async def test_a_narrower_allow_list_of_algorithms_is_kept(issuer: LoopbackIssuer, clock: Clock) -> None:
    issuer.keys.append(generate("EdDSA"))
    verifier = verifier_for(issuer, clock, algorithms=["EdDSA"])
    assert isinstance(await verifier.verify(issuer.token(ORDERS, clock(), issuer.keys[1])), VerifiedCaller)
    assert isinstance(await verifier.verify(issuer.token(ORDERS, clock(), issuer.keys[0])), Refused)
    assert isinstance(await verifier.verify(sign({}, issuer.keys[1], "at+jwt")), Refused)
