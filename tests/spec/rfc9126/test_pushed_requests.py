"""Pushed authorization requests: taken from the client, opened by the browser, answered once."""

from __future__ import annotations

import pytest

from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.oauth.pushed_requests import PREFIX
from tests.client_requests import is_told_here, push, pushed_url
from tests.issuer import SECRET, Issuer, confidential
from tests.shop import browser_for, good_request, offered, open_shop, reach_code, sign_in


@pytest.mark.spec("RFC 9126 section 2.2")
@pytest.mark.spec("FAPI 2.0 Security Profile section 5.3.2.2")
async def test_a_pushed_request_is_answered_with_a_reference(issuer: Issuer) -> None:
    await open_shop(issuer)
    answer = await push(issuer)
    assert answer.status == 201
    assert set(answer.json) == {"request_uri", "expires_in"}
    assert answer.json["request_uri"].startswith(PREFIX)
    assert len(answer.json["request_uri"]) >= len(PREFIX) + 43
    assert 5 <= answer.json["expires_in"] < 600
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.spec("RFC 9126 section 4")
async def test_the_browser_brings_the_reference_and_gets_what_was_pushed(issuer: Issuer) -> None:
    await open_shop(issuer)
    uri = (await push(issuer, state="pushed", nonce="pushed-nonce")).json["request_uri"]
    page = await reach_code(browser_for(issuer), pushed_url(issuer, uri))
    assert page.answer["state"] == "pushed"
    assert (await offered(issuer, page.answer["code"])).nonce == "pushed-nonce"
    assert (await issuer.redeem(page.answer["code"], client="shop")).status == 200


@pytest.mark.spec("RFC 9101 section 6.3")
async def test_parameters_beside_the_reference_change_nothing(issuer: Issuer) -> None:
    await open_shop(issuer)
    uri = (await push(issuer, state=None)).json["request_uri"]
    beside = {
        "state": "outside",
        "nonce": "outside",
        "scope": "openid orders:write",
        "redirect_uri": "https://evil.test",
    }
    page = await reach_code(browser_for(issuer), pushed_url(issuer, uri, **beside))
    assert page.location.startswith("https://app.test/cb?")
    assert "state" not in page.answer
    code = await offered(issuer, page.answer["code"])
    assert (code.nonce, code.scopes) == ("nonce-1", ("openid", "catalog:read"))


@pytest.mark.spec("FAPI 2.0 Security Profile section 5.3.2.2")
@pytest.mark.spec("RFC 9126 section 7.3")
async def test_a_reference_may_be_opened_often_and_is_answered_once(issuer: Issuer) -> None:
    await open_shop(issuer)
    url = pushed_url(issuer, (await push(issuer)).json["request_uri"])
    first, second = browser_for(issuer), browser_for(issuer)
    waiting = await first.get(url)
    assert waiting.has("login-submit")
    assert (await first.get(url)).has("login-submit"), "a reload is no use"
    page = await reach_code(second, url)
    assert page.answer["code"]
    assert is_told_here(await second.get(url))
    assert is_told_here(await browser_for(issuer).get(url))
    page = await sign_in(first, waiting)
    assert "code=" not in page.location, "a second tab that was open all along gets nothing either"
    assert page.status == 400


@pytest.mark.spec("RFC 9126 section 7.3")
async def test_an_error_is_an_answer_too(issuer: Issuer) -> None:
    await open_shop(issuer)
    url = pushed_url(issuer, (await push(issuer, prompt="none")).json["request_uri"])
    browser = browser_for(issuer)
    page = await browser.get(url, follow=False)
    assert page.answer["error"] == "login_required"
    assert is_told_here(await browser.get(url))
    url = pushed_url(issuer, (await push(issuer)).json["request_uri"])
    page = await browser.press(await browser.get(url), "login-cancel")
    assert page.answer["error"] == "access_denied"
    assert is_told_here(await browser.get(url))


@pytest.mark.spec("RFC 9126 section 2.2")
async def test_an_expired_reference_opens_nothing_and_one_opened_in_time_may_be_answered_later(issuer: Issuer) -> None:
    await open_shop(issuer)
    answer = await push(issuer)
    browser, url = browser_for(issuer), pushed_url(issuer, answer.json["request_uri"])
    page = await browser.get(url)
    issuer.later(answer.json["expires_in"])
    assert is_told_here(await browser.get(url))
    page = await browser.press(page, "login-submit", username="alice", password="correct horse battery staple")
    page = await browser.press(page, "consent-allow")
    assert page.answer["code"]
    assert is_told_here(await browser.get(url))


@pytest.mark.spec("RFC 9126 section 2.2")
@pytest.mark.attack("C2")
async def test_a_reference_is_bound_to_the_client_that_pushed(issuer: Issuer) -> None:
    await open_shop(issuer)
    await issuer.keep(confidential("other"))
    uri = (await push(issuer)).json["request_uri"]
    assert is_told_here(await browser_for(issuer).get(pushed_url(issuer, uri, "other")))
    assert is_told_here(await browser_for(issuer).get(pushed_url(issuer, uri, "nobody")))
    page = await reach_code(browser_for(issuer), pushed_url(issuer, uri))
    assert page.answer["code"]


@pytest.mark.attack("C3")
@pytest.mark.parametrize(
    "mangle", [lambda uri: uri[:-1], lambda uri: uri + "A", lambda uri: PREFIX, lambda uri: uri.upper()]
)
async def test_a_mangled_reference_opens_nothing(issuer: Issuer, mangle: object) -> None:
    await open_shop(issuer)
    uri = (await push(issuer)).json["request_uri"]
    assert callable(mangle)
    assert is_told_here(await browser_for(issuer).get(pushed_url(issuer, mangle(uri))))


@pytest.mark.spec("RFC 9126 section 2")
@pytest.mark.spec("RFC 9126 section 2.3")
async def test_the_client_authenticates_as_at_the_token_endpoint(issuer: Issuer) -> None:
    await open_shop(issuer)
    for basic in (None, ("shop", "wrong-secret"), ("nobody", SECRET)):
        answer = await issuer.post("par", good_request(), basic=basic)
        assert (answer.status, answer.error) == (401, "invalid_client")
        assert issuer.journal.decisions[-1].action == "authorize.push"
        assert not issuer.journal.decisions[-1].allowed
    answer = await issuer.post("par", good_request(client_id="other"), basic=("shop", SECRET))
    assert (answer.status, answer.error) == (401, "invalid_client")
    await issuer.change(Client, "shop", token_endpoint_auth_method="client_secret_post")
    answer = await issuer.post("par", {**good_request(), "client_secret": SECRET})
    assert answer.status == 201
    await issuer.change(Client, "shop", token_endpoint_auth_method="none")
    assert (await issuer.post("par", good_request())).status == 201, "a public client pushes too"
    await issuer.change(Client, "shop", enabled=False)
    assert (await issuer.post("par", good_request())).status == 401


REFUSED = [
    ({"request_uri": "urn:ietf:params:oauth:request_uri:abc"}, "invalid_request"),
    ({"redirect_uri": None}, "invalid_request"),
    ({"redirect_uri": "https://evil.test/cb"}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": None}, "invalid_request"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"scope": "openid admin"}, "invalid_scope"),
    ({"resource": "https://unknown.test"}, "invalid_target"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"nonce": "n" * 513}, "invalid_request"),
    ({"registration": "{}"}, "registration_not_supported"),
    ({"id_token_hint": "x"}, "invalid_request"),
    ({"dpop_jkt": "x"}, "invalid_request"),
    ({"request": "eyJ"}, "invalid_request_object"),
]


@pytest.mark.spec("RFC 9126 section 2.1")
@pytest.mark.spec("RFC 9126 section 2.3")
@pytest.mark.parametrize(("changes", "code"), REFUSED, ids=lambda value: str(value)[:40])
async def test_what_authorize_would_refuse_is_refused_at_once(
    issuer: Issuer, changes: dict[str, str | None], code: str
) -> None:
    await open_shop(issuer)
    answer = await push(issuer, client="shop", **changes)
    assert (answer.status, answer.error) == (400, code)
    assert answer.json["error_description"]


@pytest.mark.spec("FAPI 2.0 Security Profile section 5.3.2.2")
async def test_long_values_survive(issuer: Issuer) -> None:
    await open_shop(issuer)
    state, nonce = "s" * 1000, "n" * 384
    uri = (await push(issuer, state=state, nonce=nonce)).json["request_uri"]
    page = await reach_code(browser_for(issuer), pushed_url(issuer, uri))
    assert page.answer["state"] == state
    assert (await offered(issuer, page.answer["code"])).nonce == nonce


@pytest.mark.spec("RFC 9126 section 5")
async def test_a_client_may_be_held_to_pushing(issuer: Issuer) -> None:
    await open_shop(issuer, require_pushed_authorization_requests=True)
    browser = browser_for(issuer)
    page = await browser.get(f"{issuer.url}/authorize?client_id=shop&request_uri=https://app.test/r")
    assert is_told_here(page)
    url = pushed_url(issuer, (await push(issuer)).json["request_uri"])
    assert (await reach_code(browser, url)).answer["code"]
    query = "&".join(f"{name}={value}" for name, value in good_request(scope="openid").items())
    page = await browser.get(f"{issuer.url}/authorize?{query}", follow=False)
    assert page.answer["error"] == "invalid_request"
    await issuer.change(Client, "shop", request_uris=("http://127.0.0.1:9/never-fetched",))
    page = await browser.get(
        f"{issuer.url}/authorize?{query}&request_uri=http://127.0.0.1:9/never-fetched", follow=False
    )
    assert page.answer["error"] == "invalid_request"


async def test_the_operator_says_how_long_a_reference_lives(issuer: Issuer) -> None:
    await open_shop(issuer)
    for asked, given in ((30, 30), (1, 5), (100_000, 599)):
        await issuer.change(Realm, "acme", pushed_request_lifetime=asked)
        assert (await push(issuer)).json["expires_in"] == given


async def test_what_changed_since_it_was_pushed_counts(issuer: Issuer) -> None:
    await open_shop(issuer)
    uri = (await push(issuer)).json["request_uri"]
    await issuer.change(Client, "shop", redirect_uris=("https://app.test/new",))
    assert is_told_here(await browser_for(issuer).get(pushed_url(issuer, uri)))


@pytest.mark.spec("RFC 9126 section 5")
async def test_discovery_names_the_endpoint(issuer: Issuer) -> None:
    await open_shop(issuer)
    document = (await issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["pushed_authorization_request_endpoint"] == f"{issuer.url}/par"
    assert document["require_pushed_authorization_requests"] is False
