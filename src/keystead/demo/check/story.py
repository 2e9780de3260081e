"""The story as it should go: sign in, look, order, and see it arrive everywhere."""

from __future__ import annotations

import time

from keystead.demo.check.report import Step
from keystead.demo.check.world import World, expect

SESSION_COOKIE = "__Host-keystead"
TOKEN_MARKS = ("eyJ", "ksa_", "ksr_", "ksc_")


def story(world: World) -> list[Step]:
    """Return the steps, in order: later ones build on earlier ones."""
    part = "The story"
    return [
        Step(part, "the issuer describes itself", lambda: _discovery(world)),
        Step(part, "alice signs in and consents", lambda: sign_in(world, "alice", consent=True)),
        Step(part, "her browser holds one cookie, and no token", lambda: _one_cookie(world)),
        Step(part, "the shop knows her name", lambda: _user(world)),
        Step(part, "she looks at the catalog", lambda: _catalog(world)),
        Step(part, "she places an order", lambda: _order(world)),
        Step(part, "every hop had a token of its own", lambda: _hops(world)),
        Step(part, "billing heard of it on the bus", lambda: _invoice(world)),
        Step(part, "she may see her order, and why", lambda: _own_order(world)),
        Step(part, "carol of support may see it too, by another path", lambda: _support(world)),
    ]


def sign_in(world: World, name: str, *, consent: bool) -> str:
    """Sign somebody in through the gateway and the issuer's pages."""
    person = world.person(name)
    person.visit(f"{world.places.shop_url}/bff/login?return_to=/")
    person.submit("login-submit", {"username": name, "password": world.passwords[name]})
    asked = person.has("consent-allow")
    assert asked == consent, f"consent page {'came' if asked else 'did not come'}"
    if asked:
        person.submit("consent-allow")
    assert person.url == f"{world.places.shop_url}/", f"ended at {person.url}"
    world.secrets_seen.update(value for jar in person.cookies.values() for value in jar.values())
    world.secrets_seen.add(world.passwords[name])
    return "password, consent, back at the shop" if consent else "password, back at the shop"


def _discovery(world: World) -> str:
    document = world.http.get(f"{world.places.issuer}/.well-known/openid-configuration").json()
    world.metadata = document
    assert document["issuer"] == world.places.issuer
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    return f"{len(document)} entries, PKCE S256 only"


def _one_cookie(world: World) -> str:
    names = world.person("alice").cookie_names("localhost")
    assert names == {SESSION_COOKIE}, f"cookies of the shop: {names}"
    page = world.shop("alice", "GET", "/bff/user")
    text = page.text + str(page.headers)
    assert not any(mark in text for mark in TOKEN_MARKS), "a token reached the browser"
    return SESSION_COOKIE


def _user(world: World) -> str:
    answer = world.shop("alice", "GET", "/bff/user")
    expect(answer, 200)
    assert answer.json()["name"] == "Alice Berg", answer.text
    return "Alice Berg"


def _catalog(world: World) -> str:
    answer = world.shop("alice", "GET", "/api/catalog/products")
    expect(answer, 200)
    return f"{len(answer.json()['products'])} products"


def _order(world: World) -> str:
    answer = world.shop("alice", "POST", "/api/orders/orders", {"product": "lantern", "quantity": 2})
    expect(answer, 201)
    world.order = answer.json()
    through = world.order["reserved"]["through"]
    assert list(through) == ["orders", "gateway"], f"inventory saw the chain {through}"
    return f"{world.order['id']}; inventory saw alice through orders, gateway"


def _hops(world: World) -> str:
    wanted = {"orders", "inventory"}
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        for _, lines in world.traces.recent():
            seen = {line.service for line in lines if line.action == "resource.access" and line.allowed}
            if wanted <= seen:
                audiences = {a for line in lines if line.credential for a in line.credential.audience}
                return f"{len(lines)} hops on the X-ray, {len(audiences)} audiences"
        time.sleep(0.05)
    raise AssertionError("the X-ray shows no trace through orders and inventory")


def _invoice(world: World) -> str:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        answer = world.shop("alice", "GET", "/api/billing/invoices")
        expect(answer, 200)
        for invoice in answer.json()["invoices"]:
            if invoice["order"] == world.order["id"]:
                return f"{invoice['id']} for {invoice['order']}"
        time.sleep(0.05)
    raise AssertionError("no invoice within five seconds")


def _own_order(world: World) -> str:
    answer = world.shop("alice", "GET", f"/api/orders/orders/{world.order['id']}")
    expect(answer, 200)
    because = answer.json()["because"]
    assert because, "no path was given"
    return " / ".join(because)


def _support(world: World) -> str:
    sign_in(world, "carol", consent=True)
    answer = world.shop("carol", "GET", f"/api/orders/orders/{world.order['id']}")
    expect(answer, 200)
    because = " / ".join(answer.json()["because"])
    assert "support" in because, because
    return because
