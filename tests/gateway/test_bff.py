"""Sign in, be somebody, call services, sign out: the whole of `/bff` against a real issuer."""

from __future__ import annotations

import msgspec
import pytest

from keystead.core.jose.jws import peek_claims_unverified
from tests.gateway.site import CATALOG, ORDERS, Site, onward, query_of


@pytest.mark.spec("RFC 7636 section 4.3")
async def test_login_sends_the_browser_to_the_issuer_with_everything_it_needs(site: Site) -> None:
    visitor = site.visitor()
    response = await visitor.navigate("/bff/login?return_to=/orders/7%3Fx=1&acr_values=2&max_age=60")
    asked = query_of(response.header("location"))
    assert response.header("location").startswith(f"{site.issuer.url}/authorize?")
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{site.origin}/bff/callback"
    assert (asked["acr_values"], asked["max_age"]) == ("2", "60")
    assert {len(asked[name]) for name in ("nonce", "code_challenge")} == {43}
    assert 43 < len(asked["state"]) < 1_000
    assert "orders" not in asked["state"], "sealed"
    cookie = response.header("set-cookie")
    assert cookie.startswith("__Host-keystead-login=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"} <= set(cookie.split("; "))


async def test_a_person_signs_in_and_is_somebody(site: Site) -> None:
    visitor = site.visitor()
    page = await visitor.sign_in("?return_to=/orders/7%3Fx=1")
    assert onward(page) == "/orders/7?x=1"
    cookie = page.cookie("__Host-keystead")
    assert set(cookie.split("; ")[1:]) == {"Path=/", "Secure", "HttpOnly", "SameSite=Strict"}
    assert "Max-Age=0" in page.cookie("__Host-keystead-login")
    user = await visitor.user()
    assert user["sub"] == "usr_alice"
    assert user["name"] == "Alice Liddell"
    assert user["email"] == "alice@acme.test"
    assert user["logout_url"].startswith("/bff/logout?sid=out_")


async def test_each_service_gets_a_token_for_itself_alone(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    tokens = {}
    for path, audience in (("/api/catalog/items", CATALOG), ("/api/orders/1", ORDERS)):
        assert (await visitor.call("GET", path)).status == 200
        (authorization,) = site.upstream.last.values(b"authorization")
        claims = peek_claims_unverified(authorization.decode().removeprefix("Bearer "))
        assert claims is not None
        assert (claims["aud"], claims["sub"], claims["act"]) == (audience, "usr_alice", {"sub": "shop-bff"})
        tokens[audience] = claims
    assert tokens[CATALOG]["scope"] == "catalog:read"
    assert set(tokens[ORDERS]["scope"].split()) == {"orders:read", "orders:write"}
    bought = [d for d in site.journal.decisions if d.action == "gateway.exchange"]
    assert [d.reason for d in bought] == ["exchange.bought", "exchange.bought"]
    assert bought[0].issued is not None
    assert bought[0].issued.audience == (CATALOG,)


async def test_an_exchanged_token_is_used_again(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    for _ in range(3):
        assert (await visitor.call("GET", "/api/orders/1")).status == 200
    assert len({r.values(b"authorization")[0] for r in site.upstream.received}) == 1
    assert site.journal.reasons.count("exchange.bought") == 1


async def test_nobody_is_told_to_sign_in_scripts_by_401_people_by_303(site: Site) -> None:
    visitor = site.visitor()
    response = await visitor.call("GET", "/api/orders/1")
    assert response.status == 401
    assert msgspec.json.decode(response.body)["login_url"] == "/bff/login"
    assert "login_url" in response.header("www-authenticate")
    response = await visitor.navigate("/account/me?tab=2")
    assert response.status == 303
    assert response.header("location") == "/bff/login?return_to=/account/me%3Ftab%3D2"
    assert (await visitor.call("GET", "/bff/user")).status == 401
    assert site.upstream.received == []


async def test_a_link_from_another_site_finds_the_session_all_the_same(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    first = await visitor.navigate("/account/me", site="cross-site")
    assert (first.status, onward(first)) == (200, "/account/me")
    second = await visitor.navigate(onward(first), site="same-origin")
    assert (second.status, second.body) == (200, b"ok")


async def test_logout_ends_the_session_here_and_at_the_issuer(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    await visitor.call("GET", "/api/orders/1")
    stolen = dict(visitor.jar)
    refresh_token = site.session(visitor).refresh_token.reveal()
    response = await visitor.call("POST", "/bff/logout")
    assert response.status == 200
    url = msgspec.json.decode(response.body)["logout_url"]
    assert url.startswith(f"{site.issuer.url}/logout?")
    assert query_of(url)["post_logout_redirect_uri"] == f"{site.origin}/"
    assert "__Host-keystead" not in visitor.jar
    visitor.jar = stolen
    assert (await visitor.call("GET", "/api/orders/1")).status == 401
    refused = await site.issuer.token("refresh_token", client="shop-bff", refresh_token=refresh_token)
    assert refused.error == "invalid_grant"
    page = await visitor.at_issuer.get(url)
    page = await visitor.at_issuer.press(page, "logout-yes")
    assert page.location == f"{site.origin}/"


async def test_logout_by_its_link_wants_the_right_sid(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    link = (await visitor.user())["logout_url"]
    assert (await visitor.navigate("/bff/logout")).status == 403
    assert (await visitor.navigate(f"{link}x")).status == 403
    assert (await visitor.user())["sub"] == "usr_alice"
    response = await visitor.navigate(link)
    assert response.status == 303
    assert (await visitor.call("GET", "/bff/user")).status == 401


async def test_a_service_nobody_may_exchange_towards_is_403(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    response = await visitor.call("GET", "/api/closed/x")
    assert response.status == 403
    assert site.journal.reasons[-1].startswith("exchange.")


async def test_unknown_paths_and_methods_under_bff(site: Site) -> None:
    visitor = site.visitor()
    for path in ("/bff", "/bff/", "/bff/nothing"):
        assert (await visitor.navigate(path)).status == 404
    response = await visitor.call("DELETE", "/bff/user")
    assert (response.status, response.header("allow")) == (405, "GET")


async def test_an_issuer_that_is_away_is_said_so_and_nothing_is_lost(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    site.gateway.directory._metadata = None  # as after a restart of the gateway
    site.gateway.directory.issuer = "http://127.0.0.1:9/realms/acme"
    response = await visitor.call("GET", "/api/orders/1")
    assert (response.status, response.header("retry-after")) == (503, "2")
    assert (await visitor.navigate("/bff/login")).status == 503
    site.gateway.directory.issuer = site.issuer.url
    assert (await visitor.call("GET", "/api/orders/1")).status == 200
