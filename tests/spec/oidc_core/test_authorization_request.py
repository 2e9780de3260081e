"""What an authorization request must look like, and where its errors go."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from keystead.core.records.client import Client
from tests.issuer import Issuer
from tests.shop import CALLBACK, authorize_url, browser_for, good_request, open_shop, reach_code

TOLD_TO_THE_CLIENT = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "id_token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_type": "Code"}, "unsupported_response_type"),
    ({"response_type": None}, "invalid_request"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"response_mode": "fragment.jwt"}, "invalid_request"),
    ({"response_mode": "pigeon"}, "invalid_request"),
    ({"scope": "openid admin"}, "invalid_scope"),
    ({"scope": "openid  catalog:read"}, "invalid_scope"),
    ({"scope": 'openid "x"'}, "invalid_scope"),
    ({"resource": "https://unknown.test"}, "invalid_target"),
    ({"resource": "https://catalog.test/"}, "invalid_target"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "create"}, "invalid_request"),
    ({"prompt": "magic"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "1.5"}, "invalid_request"),
    ({"max_age": "٣"}, "invalid_request"),
    ({"max_age": "9" * 10}, "invalid_request"),
    ({"nonce": "n" * 513}, "invalid_request"),
    ({"login_hint": "x" * 257}, "invalid_request"),
    ({"acr_values": " ".join("abcdefghijkl")}, "invalid_request"),
    ({"request": "eyJ"}, "invalid_request_object"),
    ({"request_uri": "https://app.test/r"}, "invalid_request_uri"),
    ({"registration": "{}"}, "registration_not_supported"),
    ({"id_token_hint": "not-a-token"}, "invalid_request"),
    ({"prompt": "none"}, "login_required"),
]


@pytest.mark.spec("RFC 6749 section 4.1.2.1")
@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.6")
@pytest.mark.parametrize(("changes", "code"), TOLD_TO_THE_CLIENT, ids=lambda value: str(value)[:40])
async def test_an_error_is_told_to_the_client(issuer: Issuer, changes: dict[str, str | None], code: str) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(authorize_url(issuer, **changes), follow=False)
    assert page.status == 303
    assert page.location.startswith(CALLBACK + "?error=")
    assert page.answer["error"] == code
    assert page.answer["state"] == "state-1"
    assert page.answer["iss"] == issuer.url
    assert set(page.answer) == {"error", "error_description", "state", "iss"}
    assert page.header("referrer-policy") == "no-referrer"
    assert page.header("cache-control") == "no-store"


@pytest.mark.spec("RFC 9700 section 2.1.2")
async def test_the_refusal_of_implicit_names_what_to_use(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(authorize_url(issuer, response_type="token"), follow=False)
    assert "authorization code flow with PKCE" in page.answer["error_description"]


TOLD_HERE = [
    {"client_id": None},
    {"client_id": "nobody"},
    {"client_id": "SHOP"},
    {"client_id": "shop "},
    {"redirect_uri": None},
    {"redirect_uri": "https://evil.test/cb"},
    {"redirect_uri": CALLBACK + "/"},
    {"client_id": "x" * 256},
    {"state": "s" * 5000},
]


@pytest.mark.spec("RFC 6749 section 4.1.2.1")
@pytest.mark.spec("RFC 9700 section 4.11.2")
@pytest.mark.parametrize("changes", TOLD_HERE, ids=lambda value: str(value)[:40])
async def test_an_error_that_nobody_may_be_redirected_with_ends_here(
    issuer: Issuer, changes: dict[str, str | None]
) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(authorize_url(issuer, **changes), follow=False)
    assert page.status == 400
    assert page.location == ""
    assert page.alert
    assert not page.forms


async def test_a_disabled_client_looks_like_an_unknown_one(issuer: Issuer) -> None:
    await open_shop(issuer, enabled=False)
    browser = browser_for(issuer)
    disabled = await browser.get(authorize_url(issuer))
    unknown = await browser.get(authorize_url(issuer, client_id="nobody"))
    assert disabled.status == unknown.status == 400
    assert disabled.alert == unknown.alert


async def test_a_client_without_the_grant_is_told_so(issuer: Issuer) -> None:
    await open_shop(issuer, grant_types=("client_credentials",))
    page = await browser_for(issuer).get(authorize_url(issuer), follow=False)
    assert page.answer["error"] == "unauthorized_client"


@pytest.mark.spec("RFC 6749 section 3.1")
@pytest.mark.attack("R3")
@pytest.mark.parametrize("name", sorted(good_request()))
async def test_a_repeated_parameter_is_refused(issuer: Issuer, name: str) -> None:
    await open_shop(issuer)
    repeated = urlencode([*good_request().items(), (name, good_request()[name])])
    browser = browser_for(issuer)
    page = await browser.get(f"{issuer.url}/authorize?{repeated}", follow=False)
    assert (page.status, page.location) == (400, "")
    headers = ((b"content-type", b"application/x-www-form-urlencoded"),)
    page = await browser.wire("POST", f"{issuer.url}/authorize", headers, repeated.encode())
    assert (page.status, page.location) == (400, "")


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.1")
async def test_state_and_nonce_pass_through_whatever_they_hold(issuer: Issuer) -> None:
    await open_shop(issuer)
    state = 'å/+=&?#%00 "<script>' + "s" * 1500
    page = await reach_code(browser_for(issuer), authorize_url(issuer, state=state, nonce="n" * 64))
    assert page.answer["state"] == state


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.1")
async def test_a_posted_request_becomes_a_get_so_that_the_session_is_seen(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    kept, browser.jar = browser.jar, {}  # a cross-site form post carries no SameSite=Lax cookie
    page = await browser.post(f"{issuer.url}/authorize", good_request(state="s p"), follow=False, site="cross-site")
    assert page.status == 303
    assert page.location.startswith(f"{issuer.url}/authorize?")
    browser.jar = kept
    page = await browser.get(page.location, follow=False)
    assert page.answer["state"] == "s p"
    assert page.answer["code"].startswith("ksc_")


async def test_a_request_without_scope_asks_for_openid(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await reach_code(browser, authorize_url(issuer, scope=None))
    assert page.answer["code"]
    await issuer.change(Client, "shop", scope="catalog:read")
    page = await browser.get(authorize_url(issuer, scope=None), follow=False)
    assert page.answer["error"] == "invalid_scope"


@pytest.mark.spec("RFC 6749 section 3.1.2")
async def test_the_query_of_the_redirect_uri_is_kept(issuer: Issuer) -> None:
    await open_shop(issuer, redirect_uris=("https://app.test/cb?tenant=7", "https://app.test/cb?code=planted"))
    browser = browser_for(issuer)
    page = await reach_code(browser, authorize_url(issuer, redirect_uri="https://app.test/cb?tenant=7"))
    assert page.location.startswith("https://app.test/cb?tenant=7&code=")
    page = await browser.get(authorize_url(issuer, redirect_uri="https://app.test/cb?code=planted"))
    assert (page.status, page.location) == (400, "")


@pytest.mark.spec("RFC 9700 section 4.11.2")
async def test_a_client_that_registered_itself_gets_no_redirect_before_a_person_acted(issuer: Issuer) -> None:
    await open_shop(issuer, self_registered=True)
    browser = browser_for(issuer)
    for changes in ({"prompt": "none"}, {"scope": "nonsense"}, {"response_type": "token"}):
        page = await browser.get(authorize_url(issuer, **changes))
        assert (page.status, page.location) == (400, "")
    page = await reach_code(browser, authorize_url(issuer))
    assert page.answer["code"]
    page = await browser.get(authorize_url(issuer))
    assert page.has("consent-allow"), "it always asks"
    page = await browser.get(authorize_url(issuer, prompt="none"))
    assert (page.status, page.location) == (400, "")
