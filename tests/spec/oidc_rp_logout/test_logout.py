"""Signing out, asked for by an application or by the person."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from keystead.core.jose import base64url, jws
from keystead.core.jose.algorithms import generate
from keystead.core.records.client import Client
from keystead.core.records.grant import Grant
from keystead.core.records.revocation import Revocation
from keystead.core.records.session import Session
from keystead.core.values import EpochSeconds
from keystead.oauth.subjects import subject_for
from keystead.storage.ports import StartFamily, Write, find, get, look_at_family, put, read_outbox, start_family
from tests.harness.browser import Browser
from tests.issuer import Issuer
from tests.shop import authorize_url, browser_for, offered, open_shop, reach_code

pytestmark = pytest.mark.spec("OpenID Connect RP-Initiated Logout 1.0 section 2")

BYE = "https://app.test/bye"


async def signed_in(issuer: Issuer) -> tuple[Browser, str]:
    """A browser with a session, and the session's id."""
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await reach_code(browser, authorize_url(issuer))
    return browser, (await offered(issuer, page.answer["code"])).sid


async def hint(issuer: Issuer, of: str, **changes: Any) -> str:
    """An ID token of the session."""
    claims = {"iss": issuer.url, "aud": "shop", "sub": "usr_alice", "sid": of, "exp": issuer.now - 5}
    return jws.sign(claims | changes, await issuer.cx.keys.signer("acme", issuer.now), "JWT")


def logout_url(issuer: Issuer, **parameters: str) -> str:
    """A logout request."""
    return f"{issuer.url}/logout?{urlencode(parameters)}"


async def ended(issuer: Issuer, sid: str) -> bool:
    """Whether the session is over."""
    session = await issuer.store.read(get(Session, "acme", sid, issuer.now))
    assert session is not None
    return session.ended_at is not None


async def test_an_id_token_of_the_session_signs_out_without_asking(issuer: Issuer) -> None:
    browser, sid = await signed_in(issuer)
    parameters = {"id_token_hint": await hint(issuer, sid), "post_logout_redirect_uri": BYE, "state": "a b&c"}
    page = await browser.get(logout_url(issuer, **parameters))
    assert page.status == 303
    assert page.location == f"{BYE}?state=a+b%26c"
    assert await ended(issuer, sid)
    assert "keystead-session-acme" not in browser.jar
    assert (await browser.get(authorize_url(issuer, prompt="none"))).answer["error"] == "login_required"


async def test_without_a_hint_the_person_is_asked(issuer: Issuer) -> None:
    browser, sid = await signed_in(issuer)
    page = await browser.get(logout_url(issuer, client_id="shop", post_logout_redirect_uri=BYE, state="s"))
    assert page.has("logout-yes")
    assert "Corner Shop" in page.text
    assert not await ended(issuer, sid)
    page = await browser.press(page, "logout-yes")
    assert page.location == f"{BYE}?state=s"
    assert await ended(issuer, sid)


async def test_the_person_may_stay(issuer: Issuer) -> None:
    browser, sid = await signed_in(issuer)
    page = await browser.press(await browser.get(logout_url(issuer)), "logout-no")
    assert page.url == f"{issuer.url}/signed-in"
    assert "Alice Liddell" in page.text
    assert not await ended(issuer, sid)


async def test_signing_out_of_nothing_says_goodbye(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(logout_url(issuer))
    assert page.status == 200
    assert "You are signed out" in page.text


async def test_the_landing_page_signs_out_at_once(issuer: Issuer) -> None:
    browser, sid = await signed_in(issuer)
    page = await browser.press(await browser.get(f"{issuer.url}/signed-in"), "logout-yes")
    assert "You are signed out" in page.text
    assert await ended(issuer, sid)


@pytest.mark.attack("C5")
@pytest.mark.parametrize("changes", [{"sub": "usr_bob"}, {"sid": "ses_other"}, {"sid": 7}])
async def test_an_id_token_of_somebody_else_proves_nothing(issuer: Issuer, changes: dict[str, Any]) -> None:
    browser, sid = await signed_in(issuer)
    page = await browser.get(logout_url(issuer, id_token_hint=await hint(issuer, sid, **changes)))
    assert page.has("logout-yes"), "the person is asked"
    assert not await ended(issuer, sid)


@pytest.mark.attack("R2")
@pytest.mark.parametrize(
    "target",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "https:evil.test", BYE + "/", BYE + "?x", "javascript:x"],
)
async def test_nobody_is_sent_where_no_client_registered(issuer: Issuer, target: str) -> None:
    browser, sid = await signed_in(issuer)
    token = await hint(issuer, sid)
    for parameters in ({"client_id": "shop"}, {"id_token_hint": token}, {}, {"client_id": "nobody"}):
        page = await browser.get(logout_url(issuer, post_logout_redirect_uri=target, **parameters), follow=False)
        assert (page.status, page.location) == (400, "")
    assert not await ended(issuer, sid)


async def test_a_hint_for_another_client_is_refused(issuer: Issuer) -> None:
    browser, sid = await signed_in(issuer)
    token = await hint(issuer, sid, aud="other")
    page = await browser.get(logout_url(issuer, id_token_hint=token, client_id="shop"))
    assert page.status == 400
    assert not await ended(issuer, sid)


@pytest.mark.attack("C5")
async def test_a_form_from_elsewhere_signs_nobody_out(issuer: Issuer) -> None:
    browser, sid = await signed_in(issuer)
    page = await browser.get(logout_url(issuer))
    fields = page.form_with("logout-yes").fields | {"answer": "yes"}
    for site in ("cross-site", "same-site"):
        assert (await browser.post(page.url, fields, site=site)).status == 403
    page = await browser.post(page.url, {"answer": "yes"}, site="same-origin")
    assert page.has("logout-yes"), "without the form's own token the person is asked"
    page = await browser.post(page.url, fields | {"token": "0" * 64}, site="same-origin")
    assert page.has("logout-yes")
    assert not await ended(issuer, sid)


@pytest.mark.attack("F4")
async def test_signing_out_ends_what_was_bought_and_tells_the_world(issuer: Issuer) -> None:
    browser, sid = await signed_in(issuer)

    def buy() -> Write[None]:
        for id, offline in (("grt_online", False), ("grt_offline", True)):
            grant = Grant(realm="acme", id=id, subject="usr_alice", client_id="shop", sid=sid, offline=offline)
            yield from put(grant, issuer.now)
            expiry = EpochSeconds(issuer.now + 99)
            yield from start_family(StartFamily("acme", id, "digest-" + id, "shop", expiry, issuer.now))

    await issuer.store.write(buy)
    await browser.press(await browser.get(logout_url(issuer)), "logout-yes")
    grants = await issuer.store.read(find(Grant, "acme", issuer.now, index="sid", value=sid))
    assert {grant.id: grant.revoked_at is not None for grant in grants} == {"grt_online": True, "grt_offline": False}
    views = [await issuer.store.read(look_at_family("acme", id, issuer.now)) for id in ("grt_online", "grt_offline")]
    assert [view.revoked for view in views if view] == [True, False]
    events = await issuer.store.read(read_outbox("revocation"))
    told = [msgspec.json.decode(event.payload, type=Revocation) for event in events]
    assert ("session", sid) in [(event.kind, event.id) for event in told]


async def test_the_id_token_a_client_really_got_signs_out(issuer: Issuer) -> None:
    """From sign-in over the token endpoint to logout: the hint is what the client has."""
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await reach_code(browser, authorize_url(issuer))
    tokens = (await issuer.redeem(page.answer["code"], client="shop")).json
    page = await browser.get(logout_url(issuer, id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE))
    assert page.location == BYE
    refused = await issuer.token("refresh_token", client="shop", refresh_token=tokens["refresh_token"])
    assert refused.error == "invalid_grant"


async def test_a_hint_that_is_no_id_token_of_ours_goes_nowhere(issuer: Issuer) -> None:
    """As `oidcc-rp-initiated-logout-bad-id-token-hint` and `-modified-id-token-hint` try it."""
    browser, sid = await signed_in(issuer)
    good = await hint(issuer, sid)
    head, payload, signature = good.split(".")
    none = base64url.encode(b'{"alg":"none","typ":"JWT"}').decode()
    claims = {"iss": issuer.url, "aud": "shop", "sub": "usr_alice", "sid": sid, "exp": issuer.now + 60}
    strangers = jws.sign(claims, generate("ES256", "stranger"), "JWT")
    logout_token = jws.sign(claims, await issuer.cx.keys.signer("acme", issuer.now), "logout+jwt")
    for bad in (
        f"{none}.{payload}.",
        f"{head}.{payload}.",
        f"{head}.{payload}.{signature[::-1]}",
        strangers,
        logout_token,
    ):
        page = await browser.get(logout_url(issuer, id_token_hint=bad, post_logout_redirect_uri=BYE, state="s"))
        assert (page.status, page.location) == (400, "")
    assert not await ended(issuer, sid)


@pytest.mark.parametrize(
    "parameters", [{}, {"state": "s"}, {"ui_locales": "de fr"}, {"logout_hint": "alice@acme.test"}]
)
async def test_with_nothing_to_go_back_to_the_person_is_asked_and_told(
    issuer: Issuer, parameters: dict[str, str]
) -> None:
    """As `oidcc-rp-initiated-logout-no-params` and `-only-state` try it."""
    browser, sid = await signed_in(issuer)
    page = await browser.get(logout_url(issuer, **parameters))
    assert page.has("logout-yes")
    done = await browser.press(page, "logout-yes")
    assert (done.status, done.location) == (200, "")
    assert "You are signed out" in done.text
    assert await ended(issuer, sid)


@pytest.mark.attack("R2")
async def test_a_registered_address_with_anything_added_is_another(issuer: Issuer) -> None:
    """As `oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri` and `-bad-` try it."""
    browser, sid = await signed_in(issuer)
    proof = await hint(issuer, sid)
    for target in (
        f"{BYE}?foo=bar",
        f"{BYE}/",
        f"{BYE}#x",
        f"{BYE}x",
        BYE.upper(),
        f"{BYE}%20",
        "//evil.test",
        "/\\evil.test",
    ):
        page = await browser.get(logout_url(issuer, id_token_hint=proof, post_logout_redirect_uri=target))
        assert (page.status, page.location) == (400, ""), target
    assert not await ended(issuer, sid)


async def test_a_client_that_calls_people_by_another_name_is_recognised(issuer: Issuer) -> None:
    """An ID token with a pairwise subject is a hint like any other."""
    browser, sid = await signed_in(issuer)
    await issuer.change(Client, "shop", subject_type="pairwise")
    client = await issuer.store.read(get(Client, "acme", "shop", issuer.now))
    told = subject_for(issuer.cx.sealer, client, "usr_alice")
    assert told != "usr_alice"
    page = await browser.get(logout_url(issuer, id_token_hint=await hint(issuer, sid, sub=told)))
    assert page.status == 200
    assert await ended(issuer, sid)
