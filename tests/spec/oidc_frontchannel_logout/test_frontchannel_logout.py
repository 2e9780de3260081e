"""The issuer's page tells applications in frames that a session ended, then goes on."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from keystead.core.records.client import Client
from tests.browser import Page
from tests.issuer import Issuer
from tests.shop import authorize_url, browser_for, offered, open_shop, reach_code
from tests.spec.oidc_rp_logout.test_logout import hint

pytestmark = pytest.mark.spec("OpenID Connect Front-Channel Logout 1.0 section 3")
BYE = "https://app.test/bye"
HEARS = "https://rp.test:8443/front?x=1"


def frames(page: Page) -> list[str]:
    """The addresses of the frames on a page."""
    return [html.unescape(found) for found in re.findall(r'<iframe[^>]* src="([^"]*)"', page.text)]


async def logged_out(issuer: Issuer, **parameters: str) -> tuple[Page, str]:
    """Sign alice in at a client that listens in the browser, sign out, and return the page and the session's id."""
    await open_shop(issuer, frontchannel_logout_uri=HEARS)
    browser = browser_for(issuer)
    sid = (await offered(issuer, (await reach_code(browser, authorize_url(issuer))).answer["code"])).sid
    query = urlencode({"id_token_hint": await hint(issuer, sid), **parameters})
    return await browser.get(f"{issuer.url}/logout?{query}"), sid


async def test_the_frame_says_whose_logout_it_is_and_the_page_goes_on(issuer: Issuer) -> None:
    page, sid = await logged_out(issuer, post_logout_redirect_uri=BYE, state="s t")
    assert page.status == 200
    [frame] = frames(page)
    assert frame.startswith(f"{HEARS}&")
    assert parse_qs(urlsplit(frame).query) == {"x": ["1"], "iss": [issuer.url], "sid": [sid]}
    onward = f"{BYE}?state=s+t"
    assert f'<meta http-equiv="refresh" content="1;url={onward}">' in page.text, "goes on without script"
    assert re.search(rf'id="logout-return" href="{re.escape(onward)}"', page.text), "and by a link"
    assert "<script" not in page.text


async def test_the_policy_allows_exactly_the_frames(issuer: Issuer) -> None:
    page, _ = await logged_out(issuer)
    policy = page.header("content-security-policy")
    assert "frame-src https://rp.test:8443;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert 'http-equiv="refresh"' not in page.text, "nowhere to go on to"


async def test_a_client_without_the_uri_is_a_plain_redirect(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    sid = (await offered(issuer, (await reach_code(browser, authorize_url(issuer))).answer["code"])).sid
    query = urlencode({"id_token_hint": await hint(issuer, sid), "post_logout_redirect_uri": BYE})
    assert (await browser.get(f"{issuer.url}/logout?{query}")).location == BYE


async def test_a_disabled_client_gets_no_frame(issuer: Issuer) -> None:
    await open_shop(issuer, frontchannel_logout_uri=HEARS)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    await issuer.change(Client, "shop", enabled=False)
    page = await browser.press(await browser.get(f"{issuer.url}/logout"), "logout-yes")
    assert frames(page) == []


@pytest.mark.spec("OpenID Connect Front-Channel Logout 1.0 section 2")
async def test_discovery_says_so(issuer: Issuer) -> None:
    await open_shop(issuer)
    document = (await issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["frontchannel_logout_supported"] is True
    assert document["frontchannel_logout_session_supported"] is True
