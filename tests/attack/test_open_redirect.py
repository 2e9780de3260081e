"""R2: whatever is asked, no redirect leaves the issuer but to a URI the client registered."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import pytest

from tests.harness.browser import Page
from tests.served import FrontDoor
from tests.shop import CALLBACK, authorize_url, reach_code, sign_in

pytestmark = pytest.mark.attack("R2")

EVIL = [
    "https://evil.test/",
    "//evil.test/",
    "/\\evil.test/",
    "\\\\evil.test",
    "https:evil.test",
    "javascript:alert(1)",
]
NAMES = ["next", "return_to", "redirect", "redirect_to", "url", "continue", "target", "RelayState", "post_login_uri"]


def stays(page: Page, home: str) -> bool:
    """Whether a reply sends the browser nowhere, home, or to the registered callback."""
    if not page.location:
        return True
    here, there = urlsplit(home), urlsplit(page.location)
    return (there.scheme, there.netloc) == (here.scheme, here.netloc) or page.location.startswith(CALLBACK + "?")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": "nobody", "prompt": "none"},
        {"redirect_uri": "https://evil.test/"},
        {"redirect_uri": "https://evil.test/", "prompt": "none"},
        {"redirect_uri": "https://evil.test/", "response_type": "token"},
        {"redirect_uri": "https://evil.test/", "scope": "nonsense"},
        {"redirect_uri": "https://evil.test/", "request_uri": "https://evil.test/request"},
        {"redirect_uri": None, "request_uri": "https://evil.test/request"},
        {"redirect_uri": "https://evil.test/", "response_mode": "form_post"},
    ],
    ids=str,
)
async def test_a_bad_request_is_never_bounced(door: FrontDoor, changes: dict[str, str | None]) -> None:
    browser = door.browser()
    page = await browser.get(authorize_url(door.issuer, **changes), follow=False)
    assert (page.status, page.location) == (400, "")
    signed_in = door.browser()
    await reach_code(signed_in, authorize_url(door.issuer))
    page = await signed_in.get(authorize_url(door.issuer, **changes), follow=False)
    assert (page.status, page.location) == (400, ""), "a session changes nothing"


@pytest.mark.parametrize("path", ["sign-in", "consent", "authorize", "authorize/resume", "signed-in", "logout"])
@pytest.mark.parametrize("target", EVIL)
async def test_no_page_takes_a_place_to_go_from_the_url(door: FrontDoor, path: str, target: str) -> None:
    browser = door.browser()
    await reach_code(browser, authorize_url(door.issuer))
    query = urlencode(dict.fromkeys(NAMES, target))
    headers = ((b"referer", target.encode()), (b"x-forwarded-host", b"evil.test"), (b"x-original-url", target.encode()))
    for url in (f"{door.issuer.url}/{path}?{query}", authorize_url(door.issuer) + "&" + query):
        page = await browser.get(url, follow=False, headers=headers)
        assert stays(page, door.issuer.url), page.location
        assert "evil.test" not in page.location


@pytest.mark.parametrize("target", EVIL)
async def test_signing_in_goes_nowhere_else(door: FrontDoor, target: str) -> None:
    browser = door.browser()
    page = await browser.get(authorize_url(door.issuer))
    form = page.form_with("login-submit")
    fields = form.fields | dict.fromkeys(NAMES, target) | {"username": "alice", "password": "wrong"}
    page = await browser.post(f"{door.issuer.url}/sign-in?{urlencode({'next': target})}", fields, follow=False)
    assert stays(page, door.issuer.url)
    page = await sign_in(browser, await browser.get(authorize_url(door.issuer)))
    fields = page.form_with("consent-allow").fields | dict.fromkeys(NAMES, target) | {"decision": "allow"}
    page = await browser.post(f"{door.issuer.url}/consent", fields)
    assert page.location.startswith(CALLBACK + "?code=")


async def test_a_handle_with_a_host_in_it_is_only_a_wrong_handle(door: FrontDoor) -> None:
    browser = door.browser()
    await browser.get(authorize_url(door.issuer))
    for handle in (*EVIL, "@evil.test", "..", "%0d%0aLocation: https://evil.test"):
        for path in ("sign-in", "consent", "authorize/resume"):
            page = await browser.get(f"{door.issuer.url}/{path}?{urlencode({'interaction': handle})}", follow=False)
            assert (page.status, page.location) == (400, ""), (path, handle)


async def test_every_redirect_is_a_303(door: FrontDoor) -> None:
    """RFC 9700 section 4.12: a 307 would post the password on."""
    browser = door.browser()
    await reach_code(browser, authorize_url(door.issuer))
    statuses = {page.status for page in browser.seen if page.location}
    assert statuses == {303}
