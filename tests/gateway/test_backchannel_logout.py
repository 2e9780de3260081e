"""Sign-out at the issuer reaches the gateway: its sessions end at once."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest

from keystead.core.records.client import Client
from keystead.gateway.sessions.live import RECHECK
from tests.gateway.site import CLIENT, Site
from tests.receiver import until
from tests.sending import working

pytestmark = pytest.mark.spec("OpenID Connect Back-Channel Logout 1.0 section 2.7")


async def hears(site: Site) -> None:
    """Register the gateway's endpoint, as an operator would."""
    uri = f"{site.origin}/bff/backchannel-logout"
    await site.issuer.change(Client, CLIENT, backchannel_logout_uri=uri)


async def test_signing_out_at_the_issuer_ends_the_gateways_session_at_once(site: Site) -> None:
    await hears(site)
    visitor, other = site.visitor(), site.visitor()
    await visitor.sign_in()
    await other.sign_in(username="bob")
    assert (await visitor.call("GET", "/api/catalog/x")).status == 200
    live = await site.load(visitor)
    async with working(site.issuer):
        page = await visitor.at_issuer.get(f"{site.issuer.url}/logout")
        began = time.monotonic()
        await visitor.at_issuer.press(page, "logout-yes")
        await until(lambda: live.ended)
        print(f"ended after {time.monotonic() - began:.3f} s, rechecks are every {RECHECK} s")
    assert (await visitor.call("GET", "/api/catalog/x")).status == 401
    assert (await other.call("GET", "/api/catalog/x")).status == 200
    assert "session.ended" in site.journal.reasons


async def test_the_endpoint_is_never_cached_and_says_400_to_what_it_does_not_believe(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    for body in (b"", b"logout_token=", b"logout_token=a.b.c", b"logout_token=x&logout_token=y", b"nothing=1"):
        form = {"content-type": "application/x-www-form-urlencoded"}
        response = await site.visitor().send("POST", "/bff/backchannel-logout", form, body)
        assert response.status == 400, body
        assert response.header("cache-control") == "no-store"
    response = await site.visitor().send("GET", f"/bff/backchannel-logout?{urlencode({'logout_token': 'x'})}", {})
    assert response.status == 405
    assert not (await site.load(visitor)).ended
