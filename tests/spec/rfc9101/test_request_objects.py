"""Request objects: what a client signed is the request, the whole request, and nothing but the request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from keystead.core.jose import base64url, jwe
from keystead.core.jose.algorithms import generate
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from tests.client_requests import client_key, is_told_here, jwks, push_object, pushed_url, signed_request
from tests.issuer import Issuer
from tests.shop import authorize_url, browser_for, offered, open_shop, reach_code


def by_value(issuer: Issuer, object: str, **beside: str | None) -> str:
    """Return the URL of a request by value, with only the client beside it unless more is named."""
    alone = dict.fromkeys(("redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"))
    return authorize_url(issuer, **{**alone, "request": object, **beside})


@pytest.mark.spec("RFC 9101 section 5.1")
@pytest.mark.spec("OpenID Connect Core 1.0 section 6.1")
@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "JWT", ""])
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256", "RS256"])
async def test_a_signed_request_by_value(issuer: Issuer, typ: str, algorithm: str) -> None:
    await open_shop(issuer, jwks=jwks(algorithm))
    object = signed_request(issuer, key=client_key(algorithm), typ=typ, max_age=3600, state="inside")
    page = await reach_code(browser_for(issuer), by_value(issuer, object))
    assert page.answer["state"] == "inside"
    assert (await offered(issuer, page.answer["code"])).nonce == "nonce-1"


@pytest.mark.spec("RFC 9101 section 6.3")
async def test_parameters_outside_the_object_are_ignored(issuer: Issuer) -> None:
    await open_shop(issuer, jwks=jwks())
    object = signed_request(issuer, state=None, scope="openid")
    url = by_value(issuer, object, state="outside", scope="openid orders:write", nonce="outside")
    page = await reach_code(browser_for(issuer), url)
    assert "state" not in page.answer
    code = await offered(issuer, page.answer["code"])
    assert (code.scopes, code.nonce) == (("openid",), "nonce-1")


@pytest.mark.spec("RFC 9101 section 6.3")
async def test_the_redirect_uri_inside_counts(issuer: Issuer) -> None:
    await open_shop(issuer, jwks=jwks())
    url = by_value(issuer, signed_request(issuer), redirect_uri="https://evil.test/cb")
    assert (await reach_code(browser_for(issuer), url)).location.startswith("https://app.test/cb?")
    bad = signed_request(issuer, redirect_uri="https://evil.test/cb")
    assert is_told_here(await browser_for(issuer).get(by_value(issuer, bad, redirect_uri="https://app.test/cb")))


def unsigned(issuer: Issuer) -> str:
    """Return a good request object whose header says that it is not signed."""
    payload = signed_request(issuer).split(".")[1]
    return base64url.encode(b'{"alg":"none"}').decode() + f".{payload}."


BAD: list[dict[str, Any]] = [
    {"client_id": "other"},
    {"client_id": None},
    {"iss": "other"},
    {"sub": "shop"},
    {"aud": None},
    {"aud": "https://other.test"},
    {"aud": ["https://other.test"]},
    {"aud": 7},
    {"exp": 1_799_999_999},
    {"exp": 1_800_000_000},
    {"exp": "soon"},
    {"exp": 1e9},
    {"nbf": 1_800_000_061},
    {"iat": 1_800_000_061},
    {"request": "x"},
    {"request_uri": "https://app.test/r"},
    {"scope": ["openid"]},
    {"max_age": True},
    {"resource": [7]},
    {"state": "s" * 5000},
]


@pytest.mark.spec("RFC 9101 section 6.3")
@pytest.mark.spec("RFC 9101 section 10.8")
@pytest.mark.attack("J11")
@pytest.mark.parametrize("changes", BAD, ids=lambda value: str(value)[:40])
async def test_an_object_that_says_what_it_may_not_is_refused(issuer: Issuer, changes: dict[str, Any]) -> None:
    await open_shop(issuer, jwks=jwks())
    object = signed_request(issuer, **changes)
    answer = await push_object(issuer, object)
    assert (answer.status, answer.error) == (400, "invalid_request_object")
    told = await browser_for(issuer).get(by_value(issuer, object, redirect_uri="https://app.test/cb"), follow=False)
    assert told.answer["error"] == "invalid_request_object"
    assert is_told_here(await browser_for(issuer).get(by_value(issuer, object)))


@pytest.mark.spec("RFC 9101 section 6.2")
@pytest.mark.attack("J1")
@pytest.mark.attack("J2")
async def test_what_the_client_did_not_sign_is_refused(issuer: Issuer) -> None:
    await open_shop(issuer, jwks=jwks())
    good = signed_request(issuer)
    head, payload, signature = good.split(".")
    stranger = generate("ES256", "client-ES256")
    objects = [
        unsigned(issuer),
        unsigned(issuer).rstrip("."),
        f"{head}.{payload}.",
        f"{head}.{payload}",
        f"{head}.{payload}.{signature[:-4]}AAAA",
        signed_request(issuer, key=stranger),
        signed_request(issuer, key=client_key("RS256")),
        signed_request(issuer, typ="at+jwt"),
        signed_request(issuer, typ="client-authentication+jwt"),
        "null",
    ]
    for object in objects:
        answer = await push_object(issuer, object)
        assert (answer.status, answer.error) == (400, "invalid_request_object"), object
    assert (await push_object(issuer, good)).status == 201


@pytest.mark.spec("RFC 9101 section 5")
@pytest.mark.spec("OpenID Connect Core 1.0 section 6.1")
async def test_request_and_request_uri_together_are_refused(issuer: Issuer) -> None:
    await open_shop(issuer, jwks=jwks())
    url = by_value(issuer, signed_request(issuer), request_uri="https://app.test/r", redirect_uri="https://app.test/cb")
    assert (await browser_for(issuer).get(url, follow=False)).answer["error"] == "invalid_request"


async def test_a_client_may_name_its_one_algorithm(issuer: Issuer) -> None:
    await open_shop(issuer, jwks=jwks("ES256", "EdDSA"), request_object_signing_alg="EdDSA")
    assert (await push_object(issuer, signed_request(issuer))).error == "invalid_request_object"
    assert (await push_object(issuer, signed_request(issuer, key=client_key("EdDSA")))).status == 201


async def test_a_client_without_keys_can_send_no_object(issuer: Issuer) -> None:
    await open_shop(issuer)
    assert (await push_object(issuer, signed_request(issuer))).error == "invalid_request_object"


@pytest.mark.spec("RFC 9101 section 10.5")
async def test_a_client_may_be_held_to_signing(issuer: Issuer) -> None:
    await open_shop(issuer, jwks=jwks(), require_signed_request_object=True)
    page = await browser_for(issuer).get(authorize_url(issuer), follow=False)
    assert page.answer["error"] == "invalid_request"
    from tests.client_requests import push

    assert (await push(issuer)).error == "invalid_request"
    assert (await reach_code(browser_for(issuer), by_value(issuer, signed_request(issuer)))).answer["code"]


BOUNDED: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"exp": None}, False),
    ({"nbf": None}, False),
    ({"nbf": 1_800_000_008}, True),
    ({"nbf": 1_800_000_000 - 4200}, False),
    ({"nbf": 1_800_000_000 - 3500, "exp": 1_800_000_060}, True),
    ({"exp": 1_800_000_000 + 4200}, False),
    ({"aud": ["https://other.test", "http://issuer.test:8080/realms/acme"]}, True),
]


@pytest.mark.spec("FAPI 2.0 Message Signing section 5.3.1")
@pytest.mark.parametrize(("changes", "good"), BOUNDED, ids=str)
async def test_a_bounded_profile_wants_exp_and_nbf_within_an_hour(
    issuer: Issuer, changes: dict[str, Any], good: bool
) -> None:
    await open_shop(issuer, jwks=jwks(), require_signed_request_object=True)
    answer = await push_object(issuer, signed_request(issuer, **changes))
    assert answer.status == 201 if good else answer.error == "invalid_request_object"


@pytest.mark.spec("RFC 9101 section 6.3")
@pytest.mark.spec("RFC 9126 section 3")
async def test_a_pushed_object_with_parameters_beside_it(issuer: Issuer) -> None:
    await open_shop(issuer, jwks=jwks())
    answer = await push_object(issuer, signed_request(issuer, state="inside"), state="outside", scope="nonsense")
    page = await reach_code(browser_for(issuer), pushed_url(issuer, answer.json["request_uri"], state="outside"))
    assert page.answer["state"] == "inside"


@pytest.mark.spec("RFC 9101 section 6.1")
@pytest.mark.spec("OpenID Connect Core 1.0 section 6.3.1")
@pytest.mark.parametrize("algorithm", jwe.KEY_ALGORITHMS)
async def test_an_encrypted_object(issuer: Issuer, algorithm: str) -> None:
    await open_shop(issuer, jwks=jwks())
    await issuer.change(Realm, "acme", encryption_key_types=("EC", "RSA"))
    published = (await issuer.send("jwks", method="GET")).json["keys"]
    kind = jwe.key_type_of(algorithm)
    jwk = next(key for key in published if key.get("use") == "enc" and key["kty"] == kind)
    inside = signed_request(issuer)
    object = jwe.encrypt(inside.encode(), jwk=jwk, algorithm=algorithm, encryption="A256GCM")
    assert (await push_object(issuer, object)).status == 201
    await issuer.change(
        Client, "shop", request_object_encryption_alg=algorithm, request_object_encryption_enc="A128GCM"
    )
    assert (await push_object(issuer, object)).error == "invalid_request_object", "another enc than registered"
    assert (await push_object(issuer, inside)).error == "invalid_request_object", "in the clear"
    object = jwe.encrypt(inside.encode(), jwk=jwk, algorithm=algorithm, encryption="A128GCM")
    assert (await push_object(issuer, object)).status == 201
    assert (await push_object(issuer, object[:-6] + "AAAAAA")).error == "invalid_request_object"
    unsigned_inside = jwe.encrypt(unsigned(issuer).encode(), jwk=jwk, algorithm=algorithm, encryption="A128GCM")
    assert (await push_object(issuer, unsigned_inside)).error == "invalid_request_object"


class Site:
    """A site of the client that serves one body, and counts who asks."""

    def __init__(self) -> None:
        self.body = b""
        self.head = "HTTP/1.1 200 OK\r\n"
        self.asked = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request."""
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        head = f"{self.head}Content-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + self.body)
        await writer.drain()
        writer.close()


@pytest.mark.spec("RFC 9101 section 5.2")
@pytest.mark.spec("OpenID Connect Core 1.0 section 6.2")
@pytest.mark.attack("S1")
async def test_an_object_by_reference_is_fetched_from_where_it_was_registered(issuer: Issuer) -> None:
    site = Site()
    server = await asyncio.start_server(site.answer, "127.0.0.1", 0)
    here = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    registered = (f"{here}/r", f"{here}/r#GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM", "http://192.168.0.1/r")
    await open_shop(issuer, jwks=jwks(), request_uris=registered, redirect_uris=("https://app.test/cb",))
    told = {"redirect_uri": "https://app.test/cb"}
    try:
        site.body = signed_request(issuer, state="fetched").encode()
        for uri in registered[:2]:
            page = await reach_code(browser_for(issuer), by_reference(issuer, uri))
            assert page.answer["state"] == "fetched"
        before = site.asked
        for uri in (
            f"{here}/r?x",
            f"{here}/r/",
            f"{here}/r#other",
            f"{here}/R",
            "file:///etc/passwd",
            "https://x.test/",
        ):
            page = await browser_for(issuer).get(by_reference(issuer, uri, **told), follow=False)
            assert page.answer["error"] == "invalid_request_uri", uri
        assert site.asked == before, "only what is registered is ever fetched"
        page = await browser_for(issuer).get(by_reference(issuer, registered[2], **told), follow=False)
        assert page.answer["error"] == "invalid_request_uri"
        for head, body in (
            ("HTTP/1.1 404 Not Found\r\n", b""),
            ("HTTP/1.1 302 Found\r\nLocation: /r\r\n", b""),
            ("HTTP/1.1 200 OK\r\n", b"x" * 40_000),
        ):
            site.head, site.body = head, body
            page = await browser_for(issuer).get(by_reference(issuer, registered[0], **told), follow=False)
            assert page.answer["error"] == "invalid_request_uri", head
        site.head, site.body = "HTTP/1.1 200 OK\r\n", "é".encode()
        page = await browser_for(issuer).get(by_reference(issuer, registered[0], **told), follow=False)
        assert page.answer["error"] == "invalid_request_object"
    finally:
        server.close()
        await server.wait_closed()


def by_reference(issuer: Issuer, uri: str, **beside: str) -> str:
    """Return the URL of a request by reference."""
    return by_value(issuer, "", request=None, request_uri=uri, **beside)


@pytest.mark.spec("RFC 9101 section 9")
@pytest.mark.spec("OpenID Connect Discovery 1.0 section 3")
async def test_discovery_says_what_is_taken(issuer: Issuer) -> None:
    await open_shop(issuer)
    document = (await issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["request_parameter_supported"] is True
    assert document["request_uri_parameter_supported"] is True
    assert document["require_request_uri_registration"] is True
    algorithms = document["request_object_signing_alg_values_supported"]
    assert {"RS256", "PS256", "ES256"} <= set(algorithms)
    assert "none" not in algorithms
