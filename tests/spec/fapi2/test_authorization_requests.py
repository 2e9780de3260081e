"""What the profiles demand of authorization requests: pushed, signed, answered signed, with TLS and a resource."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client_requests import client_key, is_told_here, jwks, push, push_object, pushed_url, signed_request
from tests.issuer import Issuer
from tests.shop import CATALOG, authorize_url, browser_for, open_shop, reach_code

pytestmark = [
    pytest.mark.spec("FAPI 2.0 Security Profile section 5.3.2.2"),
    pytest.mark.spec("FAPI 2.0 Message Signing section 5.3.1"),
]


async def open_signing(issuer: Issuer, **fields: Any) -> None:
    """Open the shop for a client of the message signing profile."""
    await open_shop(issuer, **{"profile": "fapi2_message_signing", "jwks": jwks("ES256", "PS256", "RS256"), **fields})


@pytest.mark.spec("FAPI 2.0 Message Signing section 5.4.1")
async def test_a_signed_and_pushed_request_is_answered_signed(issuer: Issuer) -> None:
    await open_signing(issuer)
    for algorithm in ("ES256", "PS256"):
        object = signed_request(issuer, key=client_key(algorithm), response_mode="jwt")
        answer = await push_object(issuer, object)
        assert answer.status == 201
        page = await reach_code(browser_for(issuer), pushed_url(issuer, answer.json["request_uri"]))
        assert set(page.answer) == {"response"}


async def test_what_is_not_pushed_is_refused_by_a_signed_answer(issuer: Issuer) -> None:
    await open_signing(issuer)
    url = authorize_url(issuer, request=signed_request(issuer, response_mode="jwt"))
    page = await browser_for(issuer).get(url, follow=False)
    assert set(page.answer) == {"response"}
    page = await browser_for(issuer).get(authorize_url(issuer), follow=False)
    assert set(page.answer) == {"response"}


async def test_what_is_not_signed_is_refused(issuer: Issuer) -> None:
    await open_signing(issuer)
    answer = await push(issuer, response_mode="jwt")
    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response_mode": None}, "invalid_request"),
        ({"response_mode": "query"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://other.test/cb"}, "invalid_request"),
        ({"exp": None}, "invalid_request_object"),
        ({"nbf": None}, "invalid_request_object"),
        ({"aud": "https://other.test"}, "invalid_request_object"),
        ({"request_uri": "urn:example:x"}, "invalid_request_object"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
    ids=str,
)
async def test_the_object_is_held_to_the_profile(issuer: Issuer, changes: dict[str, Any], code: str) -> None:
    await open_signing(issuer)
    answer = await push_object(issuer, signed_request(issuer, **{"response_mode": "jwt", **changes}))
    assert (answer.status, answer.error) == (400, code)


@pytest.mark.spec("FAPI 2.0 Security Profile section 5.4.1")
async def test_rs256_is_no_algorithm_of_the_profile(issuer: Issuer) -> None:
    await open_signing(issuer)
    answer = await push_object(issuer, signed_request(issuer, key=client_key("RS256"), response_mode="jwt"))
    assert (answer.status, answer.error) == (400, "invalid_request_object")


@pytest.mark.parametrize("uri", ["http://127.0.0.1:8000/cb", "http://127.0.0.1:9000/cb", "http://localhost:8000/cb"])
async def test_the_answer_never_goes_where_there_is_no_tls(issuer: Issuer, uri: str) -> None:
    await open_shop(issuer, profile="fapi2_security", redirect_uris=("http://127.0.0.1:8000/cb", "https://app.test/cb"))
    answer = await push(issuer, redirect_uri=uri)
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert (await push(issuer)).status == 201


async def test_a_plain_request_of_a_security_profile_client_is_refused(issuer: Issuer) -> None:
    await open_shop(issuer, profile="fapi2_security")
    page = await browser_for(issuer).get(authorize_url(issuer), follow=False)
    assert page.answer["error"] == "invalid_request"
    unknown = "urn:ietf:params:oauth:request_uri:x"
    page = await browser_for(issuer).get(authorize_url(issuer, request_uri=unknown), follow=False)
    assert page.answer["error"] == "invalid_request_uri"
    assert is_told_here(await browser_for(issuer).get(pushed_url(issuer, unknown)))


@pytest.mark.spec("Model Context Protocol section 2.5")
async def test_a_profile_may_want_a_resource_named(issuer: Issuer) -> None:
    await open_shop(issuer, profile="mcp")
    page = await browser_for(issuer).get(authorize_url(issuer), follow=False)
    assert page.answer["error"] == "invalid_target"
    assert (await reach_code(browser_for(issuer), authorize_url(issuer, resource=CATALOG))).answer["code"]
