"""What a registered client told about itself is on the pages: its logo from our own address, its documents as links."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.documents import DocumentServer, document_server
from tests.issuer import VERIFIER, Answer, Issuer, challenge
from tests.registrar import REDIRECT, Registrar, open_registrar

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


@pytest.fixture
async def server() -> AsyncIterator[DocumentServer]:
    """The web server of the one who registers."""
    async with document_server() as server:
        yield server


@pytest.fixture
async def registrar(issuer: Issuer) -> Registrar:
    """A realm with an initial access token."""
    return await open_registrar(issuer)


async def sign_in_page(issuer: Issuer, client_id: str) -> str:
    """Ask for authorization and return the page the browser is sent to."""
    query = (
        f"client_id={client_id}&response_type=code&scope=openid&redirect_uri={REDIRECT}"
        f"&code_challenge={challenge(VERIFIER)}&code_challenge_method=S256&state=s"
    )
    begun = await issuer.send("authorize", method="GET", query=query.encode())
    assert begun.status == 303, begun.body
    cookie = begun.headers["set-cookie"].partition(";")[0]
    page = await issuer.send(
        "sign-in",
        method="GET",
        query=begun.headers["location"].partition("?")[2].encode(),
        headers=[(b"cookie", cookie.encode())],
    )
    assert page.status == 200
    return page.body.decode()


async def logo(issuer: Issuer, client_id: str) -> Answer:
    """Fetch the logo."""
    return await issuer.send("client-logo", method="GET", query=f"client_id={client_id}".encode())


@pytest.mark.spec("OpenID Connect Dynamic Client Registration 1.0 section 2")
async def test_logo_policy_and_terms_are_on_the_sign_in_page(registrar: Registrar, server: DocumentServer) -> None:
    issuer = registrar.issuer
    told = await registrar.registered(
        client_name="Tests <b>",
        logo_uri=server.put("/logo", PNG),
        policy_uri="https://app.test/policy",
        tos_uri="https://app.test/terms",
    )
    page = await sign_in_page(issuer, told["client_id"])
    assert f"client-logo?client_id={told['client_id']}" in page
    assert 'href="https://app.test/policy"' in page
    assert 'href="https://app.test/terms"' in page
    assert server.url not in page
    assert "Tests <b>" not in page
    picture = await logo(issuer, told["client_id"])
    assert (picture.status, picture.headers["content-type"], picture.body) == (200, "image/png", PNG)
    await logo(issuer, told["client_id"])
    assert server.hits["/logo"] == 1


@pytest.mark.attack("X4")
@pytest.mark.parametrize("picture", [b"<svg onload='alert(1)'/>", b"<html>", b"", b"\x89PNG" * 90_000], ids=len)
async def test_what_is_no_bitmap_is_not_served(registrar: Registrar, server: DocumentServer, picture: bytes) -> None:
    told = await registrar.registered(logo_uri=server.put("/logo", picture))
    for _ in range(3):
        assert (await logo(registrar.issuer, told["client_id"])).status == 404
    assert server.hits["/logo"] == 1


@pytest.mark.attack("S1")
async def test_a_logo_goes_through_the_guard(registrar: Registrar) -> None:
    told = await registrar.registered(logo_uri="https://169.254.169.254/latest/meta-data")
    assert (await logo(registrar.issuer, told["client_id"])).status == 404
    assert (await logo(registrar.issuer, "nobody")).status == 404
