"""Apache with mod_auth_openidc: a page behind it opens to who signs in at this issuer, and to nobody else."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest

from tests.clients.apache import require_apache, running_apache
from tests.clients.people import visit
from tests.harness.browser import Browser
from tests.harness.configuration import new_secret
from tests.harness.issuer import RunningIssuer
from tests.harness.person import http_wire
from tests.harness.processes import free_port


@pytest.mark.timeout(120)
async def test_a_page_behind_apache_opens_to_who_signs_in(unserved: RunningIssuer) -> None:
    require_apache()
    port, secret = free_port(), new_secret()
    unserved.realm["clients"].append(
        {
            "client_id": "apache",
            "client_secret": secret,
            "redirect_uris": [f"http://localhost:{port}/protected/callback"],
            "post_logout_redirect_uris": [f"http://localhost:{port}/bye"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email",
        }
    )
    await unserved.start()
    async with running_apache(port, unserved.url, secret) as site:
        person = unserved.person("alice")
        browser = Browser(http_wire(unserved.session, unserved.witness), home=f"{site}/")

        page = await browser.get(f"{site}/protected/", follow=False)
        assert page.status == 302, page.text
        assert page.location.startswith(f"{unserved.url}/authorize?"), page.location
        assert "code_challenge_method=S256" in page.location

        back = await visit(person, page.location)
        assert urlsplit(back).path == "/protected/callback", back
        page = await browser.get(back, follow=False)
        assert (page.status, page.location) == (302, f"{site}/protected/"), page.text
        page = await browser.get(f"{site}/protected/", follow=False)
        assert (page.status, page.text) == (200, "this is protected")

        stolen = await Browser(browser.wire, home=f"{site}/").get(back, follow=False)
        assert stolen.status >= 400, "an answer is for the browser that asked"

        bye = quote(f"{site}/bye", safe="")
        page = await browser.get(f"{site}/protected/callback?logout={bye}", follow=False)
        assert page.status == 302
        assert page.location.startswith(f"{unserved.url}/logout?"), page.location
        assert (await visit(person, page.location)).startswith(f"{site}/bye")
        assert (await browser.get(f"{site}/protected/", follow=False)).status == 302
