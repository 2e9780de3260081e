"""Client authentication by secret, and by none."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from keystead.core.records.client import Client
from keystead.core.values import handle_digest
from tests.issuer import SECRET, Answer, Issuer, confidential
from tests.market import Market

FORM = {"grant_type": "client_credentials"}
CHALLENGE = 'Basic realm="keystead", charset="UTF-8"'


async def basic(issuer: Issuer, credentials: bytes, scheme: bytes = b"Basic ") -> Answer:
    """Ask with a hand-made Authorization header."""
    return await issuer.post("token", FORM, headers=[(b"authorization", scheme + credentials)])


@pytest.mark.spec("RFC 6749 section 2.3.1")
async def test_basic_credentials_are_form_encoded_first(market: Market) -> None:
    secret = "s%cr+t é:/ with everything in it 0123456789"
    client = confidential(
        "odd client:1", client_secret_digests=(handle_digest(secret),), grant_types=("client_credentials",)
    )
    await market.issuer.keep(client)
    form = quote("odd client:1", safe="") + ":" + quote(secret, safe="").replace("%20", "+")
    assert (await basic(market.issuer, base64.b64encode(form.encode()))).status == 200
    raw = "odd client:1:" + secret
    assert (await basic(market.issuer, base64.b64encode(raw.encode()))).status == 401


@pytest.mark.spec("RFC 6749 section 5.2")
@pytest.mark.parametrize(
    "credentials",
    [
        b"",
        b"!!!!",
        b"YmF0Y2g",  # no padding, no colon
        base64.b64encode(b"batch"),
        base64.b64encode(b"batch:"),
        base64.b64encode(b":" + SECRET.encode()),
        base64.b64encode(b"batch:" + SECRET.encode() + b" "),
        base64.b64encode(b"batch:" + SECRET.upper().encode()),
        base64.b64encode(b"batch:" + SECRET[:-1].encode()),
        base64.b64encode(b"batch:%zz"),
        base64.b64encode(b"batch:\xff\xfe"),
        base64.b64encode(b"nobody:" + SECRET.encode()),
        base64.b64encode(b"BATCH:" + SECRET.encode()),
        base64.b64encode(f"batch:{SECRET}".encode()) + b"=",
        b" " + base64.b64encode(f"batch:{SECRET}".encode()),
        base64.b64encode(f"batch:{SECRET}".encode()) + b"\n",
    ],
)
async def test_every_failure_looks_the_same(market: Market, credentials: bytes) -> None:
    answer = await basic(market.issuer, credentials)
    assert answer.status == 401
    assert answer.json == {"error": "invalid_client", "error_description": "client authentication failed"}
    assert answer.headers["www-authenticate"] == CHALLENGE
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.spec("RFC 6749 section 2.3.1")
async def test_the_scheme_is_basic_in_any_case_and_nothing_else(market: Market) -> None:
    credentials = base64.b64encode(f"batch:{SECRET}".encode())
    assert (await basic(market.issuer, credentials, b"bAsIc ")).status == 200
    for scheme in (b"Bearer ", b"Digest ", b"Basic\t", b""):
        assert (await basic(market.issuer, credentials, scheme)).status == 401


@pytest.mark.spec("RFC 6749 section 2.3.1")
async def test_post_reads_the_body_and_never_the_query(market: Market) -> None:
    await market.issuer.change(Client, "poster", grant_types=("client_credentials",), scope="catalog:read")
    credentials = {"client_id": "poster", "client_secret": SECRET}
    assert (await market.issuer.post("token", FORM | credentials)).status == 200
    query = f"client_id=poster&client_secret={SECRET}".encode()
    assert (await market.issuer.post("token", FORM, query=query)).status == 401
    assert (await market.issuer.post("token", FORM | credentials | {"client_secret": "x"})).status == 401


@pytest.mark.spec("RFC 6749 section 2.3")
async def test_two_methods_at_once_are_refused(market: Market) -> None:
    both = FORM | {"client_id": "batch", "client_secret": SECRET}
    answer = await market.issuer.post("token", both, basic=("batch", SECRET))
    assert (answer.status, answer.error) == (400, "invalid_request")
    both = FORM | {"client_assertion": "x", "client_assertion_type": "y"}
    assert (await market.issuer.post("token", both, basic=("batch", SECRET))).error == "invalid_request"


@pytest.mark.spec("RFC 6749 section 2.3")
async def test_a_client_id_beside_the_header_must_agree(market: Market) -> None:
    agree = await market.issuer.token("client_credentials", client="batch", client_id="batch", scope="catalog:read")
    assert agree.status == 200
    differ = await market.issuer.token("client_credentials", client="batch", client_id="web", scope="catalog:read")
    assert (differ.status, differ.error) == (401, "invalid_client")


@pytest.mark.spec("OpenID Connect Core 1.0 section 9")
@pytest.mark.spec("RFC 7591 section 2")
@pytest.mark.attack("A4")
async def test_only_the_registered_method_counts(market: Market) -> None:
    """A secret in the body for a Basic client, no secret at all for a confidential one, a secret for a public one."""
    post = FORM | {"client_id": "batch", "client_secret": SECRET}
    assert (await market.issuer.post("token", post)).error == "invalid_client"
    assert market.issuer.journal.reason == "client.wrong_method"
    assert (await market.issuer.post("token", FORM | {"client_id": "batch"})).error == "invalid_client"
    assert (await market.issuer.token("client_credentials", client="spa")).error == "invalid_client"
    assert (await market.issuer.token("client_credentials", client="poster")).error == "invalid_client"
    assert (await market.issuer.token("client_credentials", client="bff")).error == "invalid_client"


@pytest.mark.attack("A4")
async def test_a_client_without_a_secret_never_matches_one(market: Market) -> None:
    for digests in ((), (handle_digest(""),), ("",)):
        await market.issuer.change(Client, "batch", client_secret_digests=digests)
        assert (await market.issuer.token("client_credentials", client="batch", secret="")).error == "invalid_client"
    for secret in ("", "0" * 64, SECRET, "None"):
        assert (
            await market.issuer.token("client_credentials", client="batch", secret=secret)
        ).error == "invalid_client"


async def test_two_secrets_work_while_one_is_being_replaced(market: Market) -> None:
    digests = (handle_digest("old-" + SECRET), handle_digest("new-" + SECRET))
    await market.issuer.change(Client, "batch", client_secret_digests=digests)
    for age in ("old-", "new-"):
        answer = await market.issuer.token(
            "client_credentials", client="batch", secret=age + SECRET, scope="catalog:read"
        )
        assert answer.status == 200


@pytest.mark.attack("T5")
async def test_a_disabled_client_is_unknown(market: Market) -> None:
    await market.issuer.change(Client, "batch", enabled=False)
    answer = await market.issuer.token("client_credentials", client="batch", scope="catalog:read")
    assert answer.json == {"error": "invalid_client", "error_description": "client authentication failed"}
    assert market.issuer.journal.reason == "client.disabled"


@pytest.mark.attack("R3")
async def test_a_repeated_authorization_header_is_refused(market: Market) -> None:
    header = (b"authorization", b"Basic " + base64.b64encode(f"batch:{SECRET}".encode()))
    answer = await market.issuer.post("token", FORM, headers=[header, header])
    assert (answer.status, answer.error) == (400, "invalid_request")
