"""Clamping: what of an authority is given, as a function of its arguments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.errors import InvalidScope, InvalidTarget
from keystead.core.records.api import Api, ExchangePolicy
from keystead.oauth.scopes import IDENTITY_SCOPES, Ask, Bounds, ScopeMap, clamp, split_scope

ISSUER = "https://issuer.test/realms/acme"
A, B, C, OFF, BUS = "https://a.test", "https://b.test", "https://c.test", "https://off.test", "https://bus.test"
MAP = ScopeMap(
    ISSUER,
    [
        Api(realm="acme", id=A, scopes=("a:read", "a:write", "both"), served_by="sa"),
        Api(realm="acme", id=B, scopes=("b:read", "both"), served_by="sb", exchange=ExchangePolicy(sources=("sa",))),
        Api(realm="acme", id=C, scopes=("c:read",), exchange=ExchangePolicy(sources=("sb",))),
        Api(realm="acme", id=OFF, scopes=("off:read",), enabled=False),
        Api(realm="acme", id=BUS),
    ],
)
SCOPES = ("openid", "profile", "a:read", "a:write", "b:read", "both", "c:read", "off:read", "gone:read")
RESOURCES = (A, B, C, OFF, BUS, ISSUER, "https://gone.test")


@pytest.mark.parametrize(
    ("ask", "bounds", "scopes", "audiences"),
    [
        (Ask(), Bounds(("openid", "a:read")), ("openid", "a:read"), (A, ISSUER)),
        (Ask(), Bounds(("a:read", "b:read")), ("a:read", "b:read"), (A, B)),
        (Ask(("a:read",)), Bounds(("openid", "a:read")), ("a:read",), (A,)),
        (Ask(), Bounds(()), (), (ISSUER,)),
        (Ask(), Bounds(("gone:read", "off:read")), (), (ISSUER,)),
        (Ask(), Bounds(("both",)), ("both",), (A, B)),
        (Ask(resources=(A,)), Bounds(("openid", "a:read", "b:read")), ("a:read",), (A,)),
        (Ask(resources=(A, A)), Bounds(("a:read",)), ("a:read",), (A,)),
        (Ask(resources=(A, ISSUER)), Bounds(("openid", "a:read")), ("openid", "a:read"), (A, ISSUER)),
        (Ask(), Bounds(("openid", "a:read", "b:read"), (A,)), ("a:read",), (A,)),
        (Ask(), Bounds(("a:read", "b:read"), (A, B)), ("a:read", "b:read"), (A, B)),
        (Ask(("b:read",)), Bounds(("a:read", "b:read"), (A, B)), ("b:read",), (B,)),
        (Ask(), Bounds(("a:read", "off:read"), (A, OFF)), ("a:read",), (A,)),
        (Ask(), Bounds(("a:read",), (A, "https://gone.test")), ("a:read",), (A,)),
        (Ask(resources=(BUS,)), Bounds(("a:read",), bare=(BUS,)), (), (BUS,)),
        (Ask(("a:read", "openid"), (A,)), Bounds(("openid", "a:read")), ("a:read",), (A,)),
        (Ask(), Bounds(("a:read", "c:read"), target=A), ("a:read", "c:read"), (A,)),
        (Ask(("c:read",)), Bounds(("a:read", "c:read"), target=A), ("c:read",), (A,)),
    ],
)
def test_what_is_given(ask: Ask, bounds: Bounds, scopes: tuple[str, ...], audiences: tuple[str, ...]) -> None:
    answer = clamp(ask, bounds, MAP)
    assert (answer.scopes, answer.audiences) == (scopes, audiences)


@pytest.mark.parametrize(
    ("ask", "bounds", "error", "reason"),
    [
        (Ask(("b:read",)), Bounds(("a:read",)), InvalidScope, "scope.beyond_ceiling"),
        (Ask(("b:read",)), Bounds(("a:read",), target=A), InvalidScope, "scope.beyond_ceiling"),
        (Ask(resources=("https://gone.test",)), Bounds(("a:read",)), InvalidTarget, "resource.unknown"),
        (Ask(resources=(OFF,)), Bounds(("off:read",)), InvalidTarget, "resource.unknown"),
        (Ask(resources=(B,)), Bounds(("a:read", "b:read"), (A,)), InvalidTarget, "resource.not_granted"),
        (Ask(resources=(A, B)), Bounds(("a:read",)), InvalidTarget, "resource.without_scope"),
        (Ask(resources=(BUS,)), Bounds(("a:read",)), InvalidTarget, "resource.without_scope"),
        (Ask(resources=(ISSUER,)), Bounds(("a:read",)), InvalidTarget, "resource.without_scope"),
        (Ask(), Bounds(("a:read",), (B,)), InvalidTarget, "resource.without_scope"),
        (Ask(("a:read", "b:read"), (A,)), Bounds(("a:read", "b:read")), InvalidScope, "scope.of_other_resource"),
    ],
)
def test_what_is_refused(ask: Ask, bounds: Bounds, error: type[InvalidScope], reason: str) -> None:
    with pytest.raises(error) as caught:
        clamp(ask, bounds, MAP)
    assert caught.value.reason == reason


scopes = st.lists(st.sampled_from(SCOPES), max_size=6).map(lambda some: tuple(dict.fromkeys(some)))
resources = st.lists(st.sampled_from(RESOURCES), max_size=3).map(tuple)


@pytest.mark.attack("G2")
@pytest.mark.attack("G7")
@given(scopes, resources, scopes, resources)
def test_nothing_is_ever_given_beyond_the_bounds(
    asked: tuple[str, ...], asked_resources: tuple[str, ...], ceiling: tuple[str, ...], granted: tuple[str, ...]
) -> None:
    try:
        answer = clamp(Ask(asked, asked_resources), Bounds(ceiling, granted), MAP)
    except (InvalidScope, InvalidTarget):
        return
    assert set(answer.scopes) <= set(ceiling)
    assert set(answer.scopes) <= set(asked or ceiling)
    assert set(answer.audiences) <= set(granted or MAP.audiences_of(ceiling) or (ISSUER,))
    assert set(answer.audiences) <= set(asked_resources or answer.audiences)
    assert all(MAP.knows(audience) for audience in answer.audiences)
    for scope in answer.scopes:
        assert set(MAP.owners[scope]) & set(answer.audiences)


def test_scopes_of_use_behind_an_api_follow_the_exchange_policies() -> None:
    assert MAP.onward(A, 5) == {"a:read", "a:write", "both", "b:read", "c:read"}
    assert MAP.onward(A, 1) == {"a:read", "a:write", "both", "b:read"}
    assert MAP.onward(A, 0) == {"a:read", "a:write", "both"}
    assert MAP.onward(C, 5) == {"c:read"}


def test_no_api_takes_an_identity_scope_from_the_issuer() -> None:
    greedy = ScopeMap(ISSUER, [Api(realm="acme", id=A, scopes=IDENTITY_SCOPES)])
    assert all(greedy.owners[scope] == (ISSUER,) for scope in IDENTITY_SCOPES)


@pytest.mark.spec("RFC 6749 section 3.3")
def test_a_scope_list_is_names_between_single_spaces() -> None:
    assert split_scope("") == ()
    assert split_scope("a b a") == ("a", "b")
    for malformed in (" a", "a ", "a  b", "a\tb", 'a"', "a\\", "é", "a\n"):
        with pytest.raises(InvalidScope):
            split_scope(malformed)
