"""R2: nothing the gateway answers, on whatever it is told, leads to another site than the issuer it belongs to."""

from __future__ import annotations

from urllib.parse import quote, urljoin, urlsplit

import pytest

from keystead.gateway.bff.local_path import is_local_path
from keystead.gateway.response import rewrite_location
from keystead.gateway.routes import compile_routes
from keystead.gateway.settings import LimitSettings, RouteSettings
from tests.gateway.site import Site, onward

pytestmark = pytest.mark.attack("R2")
EVIL = (
    "//evil.test", "///evil.test", "////evil.test", "/\\evil.test", "\\/evil.test", "\\\\evil.test", "/\\/evil.test",
    "https://evil.test", "https:evil.test", "https:/evil.test", "http:///evil.test", "HTTPS://evil.test", "evil.test",
    "/\tevil.test", "/\t/evil.test", "/%09/evil.test\t", "\t//evil.test", " //evil.test", "/ /evil.test",
    "/\n/evil.test", "/\r\n/evil.test", "\x00//evil.test", "/\x00/evil.test", "//evil.test/%2e%2e",
    "/\u2215evil.test", "/\xa0/evil.test",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "//evil.test#x", "//evil.test?x",
    "http://localhost:8000@evil.test", "//localhost:8000@evil.test", "@evil.test", ":80", "?x", "#x", ".", "..",
    "/\\\\evil.test", "/\\\tevil.test", "/\u3002evil.test", "/\uff0fevil.test", "/é", "/<script>", "/bff/login",
    "/bff/logout?sid=x",
    '/"onmouseover="x', "/x y", "/x\\y", "/" + "a" * 3_000,
)  # fmt: skip
FINE = ("/", "/x", "/x/y?z=1&a=b#c", "/a//b", "/%2F%2Fevil.test", "/x?to=https://evil.test", "/..", "/a:b", "/@x")


async def test_sign_in_never_returns_elsewhere(site: Site) -> None:
    visitor = site.visitor()
    for target in EVIL:
        response = await visitor.navigate(f"/bff/login?return_to={quote(target, safe='')}")
        assert (response.status, response.header("location")) == (400, ""), target


async def test_without_a_place_to_return_to_it_is_the_front_page(site: Site) -> None:
    for query in ("", "?return_to="):
        assert onward(await site.visitor().sign_in(query)) == "/"


def test_what_is_local_is_let_through_and_stays_here() -> None:
    for target in FINE:
        assert is_local_path(target), target
        assert urlsplit(urljoin("http://localhost:8000/x", target)).netloc == "localhost:8000"


async def test_the_page_that_goes_on_stays_here(site: Site) -> None:
    for target in ("/%2F%2Fevil.test", "/x?to=//evil.test", "/a&amp;b", "/a'b", '/x"><script>'):
        assert is_local_path(target)
        page = await site.visitor().sign_in(f"?return_to={quote(target, safe='')}")
        assert onward(page) == target
        assert b"<script" not in page.body


async def test_headers_and_host_do_not_steer_redirects(site: Site) -> None:
    visitor = site.visitor()
    for headers in (
        {"referer": "https://evil.test/"},
        {"x-forwarded-host": "evil.test"},
        {"forwarded": "host=evil.test"},
        {"x-original-url": "//evil.test"},
    ):
        response = await visitor.navigate("/account/me", **headers)
        assert response.header("location") == "/bff/login?return_to=/account/me"
        response = await visitor.navigate("/bff/login", **headers)
        assert response.header("location").startswith(f"{site.issuer.url}/authorize?")
        assert "evil" not in response.header("location")


async def test_logout_leads_to_the_issuer_only(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    link = (await visitor.user())["logout_url"]
    assert (await visitor.navigate(f"{link}&sid=x")).status == 400
    response = await visitor.navigate(f"{link}&post_logout_redirect_uri=https://evil.test&return_to=//evil.test")
    assert response.header("location").startswith(f"{site.issuer.url}/logout?")
    assert "evil" not in response.header("location")


ROUTE = next(
    iter(compile_routes([RouteSettings(path="/", upstream="http://127.0.0.1:81/", public=True)], LimitSettings()))
)
BELOW = next(
    iter(compile_routes([RouteSettings(path="/api", upstream="http://127.0.0.1:81/v1", public=True)], LimitSettings()))
)


@pytest.mark.parametrize("path", ["//evil.test", "///evil.test", "/\\evil.test", "/\t/evil.test", "//evil.test/../x"])
def test_a_rewritten_location_stays_here(path: str) -> None:
    for route in (ROUTE, BELOW):
        location = rewrite_location(f"http://127.0.0.1:81{path}".encode(), route).decode()
        assert urlsplit(urljoin("http://localhost:8000/", location.replace("\\", "/"))).netloc == "localhost:8000"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (b"http://127.0.0.1:81/v1/items/5?x=1#y", b"/api/items/5?x=1#y"),
        (b"/v1/items/5", b"/api/items/5"),
        (b"/v1", b"/api"),
        (b"items/5", b"items/5"),
        (b"/v2/other", b"/v2/other"),
        (b"http://127.0.0.1:81/v2/other", b"/"),
        (b"https://pay.test/x", b"https://pay.test/x"),
        (b"http://127.0.0.1:82/v1/x", b"http://127.0.0.1:82/v1/x"),
        (b"http://[::1", b"http://[::1"),
    ],
)
def test_locations_within_the_upstream_become_ours(location: bytes, expected: bytes) -> None:
    assert rewrite_location(location, BELOW) == expected
