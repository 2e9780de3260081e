"""R1: some 200 spellings of each registered redirect URI; only the registered string passes, loopback port excepted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from keystead.core.records.client import Client
from keystead.oauth.checks.redirect_uri import redirect_uri_matches
from tests.served import FrontDoor
from tests.shop import authorize_url

pytestmark = pytest.mark.attack("R1")

REGISTERED = "https://app.example.com/cb/x?t=1"
LOOPBACK = "http://127.0.0.1:8000/cb"
SIX = "http://[::1]/cb"
APP = "com.example.app:/cb"


def mutations(uri: str) -> Iterator[str]:
    """Yield spellings that a forgiving reader might take for the registered one."""
    scheme, _, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    path = slash + path
    yield from _hosts(scheme, host, path)
    yield from _paths(f"{scheme}://{host}", path)
    for tail in ("#", "#x", "?", "&x=1", "?x=1", "%00", "%0d%0aLocation:https://evil.example", "\t", "\n", "\r\n", " "):
        yield uri + tail
        yield tail + uri
    for other in (
        "javascript",
        "data",
        "file",
        "ftp",
        "ws",
        "HTTPS",
        "httpss",
        "http" if scheme == "https" else "https",
    ):
        yield f"{other}://{host}{path}"
        yield f"{other}:{host}{path}"
    yield from (uri.upper(), uri.title(), uri.replace("/", "\\"), uri.replace("/", "%2f"), uri.replace(":", "%3a"))
    yield from ("", " ", "/", "//", "null", "*", "https://*", "about:blank", path, f"//{host}{path}", host + path)
    yield from _characters(uri, uri.index(":") + 1)
    yield from ("javascript:alert(1)//" + uri, "data:text/html," + uri, f"view-source:{uri}", f"blob:{uri}")


def _characters(uri: str, middle: int) -> Iterator[str]:
    """One character too much, at the end, in front, or within: what a trimming or normalising reader drops."""
    invisible = "\u200b\u200d\ufeff\u00ad\u2060\u3000\u00a0\u0085\u2028\u2029\x0b\x0c\x1f\x7f\x01"
    alike = "\uff0f\u2044\u2215\uff1a\uff20\uff0e\u2024\uff03\uff1f\u0131\u212a"
    for character in invisible + alike:
        yield uri + character
    for character in invisible:
        yield character + uri
        yield uri[:middle] + character + uri[middle:]
    for character in "!$'()*,;=@[]^`{|}~\"<>":
        yield uri + character


def _hosts(scheme: str, host: str, path: str) -> Iterator[str]:
    name, _, port = host.partition(":") if not host.startswith("[") else (host, "", "")
    at = f":{port}" if port else ""
    for changed in (
        f"{host}@evil.example", f"evil.example@{host}", f"user:pass@{host}", f"evil.example%40{host}",
        f"{host}%40evil.example", f"a@b@{host}", f"{host}:80@evil.example", f"{host}#@evil.example",
        f"{host}\\@evil.example", f"evil.example\\@{host}", f"{host}.evil.example", f"evil{host}", f"evil-{host}",
        f"x.{host}", f"{name}.{at}", f"{name}%2e{at}", name.replace(".", "x", 1) + at, name.replace(".", "%2e") + at,
        name.replace(".", "。") + at, name.upper() + at, f"{name}%00.evil.example{at}", f"{name}\t{at}", f" {host}",
        f"{host} ", f"{host},evil.example", f"{host};evil.example", f"{host}&evil.example", f"{host}|evil.example",
        f"{host}%20.evil.example", f"{host}/../evil.example", "evil.example", f"evil.example/{host}",
        f"evil.example?{host}", f"evil.example#{host}", "аpp.example.com", "xn--pp-7kc.example.com",
        "[::ffff:7f00:1]", "127.1", "0x7f000001", "2130706433", "0.0.0.0", "[::]", "127.0.0.1.evil.example",
        "localhost.evil.example", "127.0.0.2", "[::1%25lo]", f"{name}:", f"{name}:0", f"{name}:65536", f"{name}:080",
        f"{name}:-1", f"{name}:8000:80", f"{name}:80a", f"{name}:٨٠", f"{name}:+80", f"{name}: 80",
        f"{name}:99999999999",
    ):  # fmt: skip
        yield f"{scheme}://{changed}{path}"
    yield from (
        f"{scheme}:/{host}{path}",
        f"{scheme}:///{host}{path}",
        f"{scheme}:{host}{path}",
        f"{scheme}//{host}{path}",
    )
    yield from (f"{scheme}:\\\\{host}{path}", f"{scheme}:/\\{host}{path}", f"{scheme} ://{host}{path}")


def _paths(origin: str, path: str) -> Iterator[str]:
    for changed in (
        path + "/", path + "//", "/" + path, path.upper(), path + "/..", path + "/../evil", "/." + path, "/.." + path,
        "/%2e" + path, "/%2e%2e" + path, "/..;" + path, path + ";x=1", path + "%2f", path + "%5c", path + "\\",
        path + ".", path + "%20", path + "+", path + "%23", path + "%3f", path + "x", path[:-1], "/x" + path,
        "/evil/../cb", "",
        "/", "/evil", path.replace("c", "%63", 1), path.replace("c", "%2563", 1), path + "%c0%af",
        path + "/%2e%2e/evil",
        path + "?next=https://evil.example", path + "&redirect_uri=https://evil.example", path + "=", path + "#/",
    ):  # fmt: skip
        yield origin + changed


CASES = {
    uri: sorted(set(mutations(uri)) - {uri}) for uri in (REGISTERED, "https://app.example.com/cb", LOOPBACK, SIX, APP)
}


@pytest.mark.parametrize("uri", CASES)
def test_there_are_enough_of_them(uri: str) -> None:
    assert len(CASES[uri]) >= 200


@pytest.mark.parametrize("uri", CASES)
def test_the_matcher_takes_none_of_them(uri: str) -> None:
    wrong = [offered for offered in CASES[uri] if redirect_uri_matches(offered, (uri,))]
    assert wrong == []
    assert redirect_uri_matches(uri, (uri,))


@pytest.mark.parametrize("uri", CASES)
async def test_the_endpoint_answers_each_with_a_page_and_no_location(door: FrontDoor, uri: str) -> None:
    await door.issuer.change(Client, "shop", redirect_uris=(uri,))
    good = await door.browser().get(authorize_url(door.issuer, redirect_uri=uri), follow=False)
    assert good.status == 303
    for offered in CASES[uri]:
        page = await door.browser().get(authorize_url(door.issuer, redirect_uri=offered), follow=False)
        assert (page.status, page.location) == (400, ""), offered
        assert page.alert, offered


@pytest.mark.parametrize(
    ("registered", "offered", "same"),
    [
        (LOOPBACK, "http://127.0.0.1:49152/cb", True),
        (LOOPBACK, "http://127.0.0.1:1/cb", True),
        (LOOPBACK, "http://127.0.0.1/cb", True),
        (SIX, "http://[::1]:65535/cb", True),
        ("http://localhost/cb", "http://localhost:8123/cb", True),
        (LOOPBACK, "http://localhost:8000/cb", False),
        (LOOPBACK, "http://127.0.0.1:49152/cb2", False),
        (LOOPBACK, "https://127.0.0.1:8000/cb", False),
        ("https://127.0.0.1:8000/cb", "https://127.0.0.1:8001/cb", False),
        ("http://app.example:8000/cb", "http://app.example:8001/cb", False),
        (APP, "com.example.app:/cb2", False),
    ],
)
def test_only_the_port_of_a_loopback_http_uri_may_vary(registered: str, offered: str, same: bool) -> None:
    assert redirect_uri_matches(offered, (registered,)) is same
