"""The story as it should go: sign in, look, order, and see it arrive everywhere."""

from __future__ import annotations

import time

from keystead.core.decisions import Credential
from keystead.demo.check.report import Step
from keystead.demo.check.world import World, expect
from keystead.demo.xray.hops import Hop, kind_label, picture

HOPS_SECONDS = 5
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
    wanted = {"orders", "inventory", "billing"}
    deadline = time.monotonic() + HOPS_SECONDS
    while time.monotonic() < deadline:
        for trace_id, lines in world.traces.recent():
            if wanted <= {line.service for line in lines}:
                action = picture(trace_id, world.traces)
                assert action is not None
                assert action.allowed, "a hop was refused"
                return "\n".join([f"{len(action.hops)} hops", *(_told(hop, world) for hop in action.hops)])
        time.sleep(0.05)
    raise AssertionError("no trace reached orders, inventory and billing")


def _told(hop: Hop, world: World) -> str:
    """Return one hop as one line: the two ends, what crossed the wire, what came back for it."""
    wire = f"{hop.source} → {hop.target}"
    if hop.credential is None:
        return f"{wire:<24}{hop.facts.get('subject', '')}"
    shown = " ⇒ ".join(_contents(one, world) for one in (hop.credential, hop.issued) if one is not None)
    return f"{wire:<24}{shown}{' (a moment ago)' if hop.earlier else ''}"


def _contents(credential: Credential, world: World) -> str:
    parts = [kind_label(credential.kind)]
    if credential.audience:
        parts.append(f"for {_short(credential.audience[0], world)}")
    if credential.subject:
        chain = [world.traces.name_of(credential.subject), *reversed(credential.actors)]
        parts.append("of " + " through ".join(chain))
    if credential.scope and credential.kind == "jwt_access_token":
        parts.append(f"[{' '.join(sorted(credential.scope))}]")
    if credential.lifetime:
        parts.append(f"{credential.lifetime} s")
    return " ".join(parts)


def _short(audience: str, world: World) -> str:
    return (
        "the issuer"
        if audience.startswith(world.places.base_url)
        else audience.removeprefix("https://").partition(".")[0]
    )


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
