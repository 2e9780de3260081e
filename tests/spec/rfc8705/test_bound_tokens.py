"""Certificate-bound access tokens, and the two ways to authenticate with a certificate."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from tests.certificates import Holder, holder
from tests.dpop import Sender, dpop
from tests.issuer import NOW, VERIFIER, Answer, confidential
from tests.market import Market

ROOT = holder("Root", authority=True, now=NOW)
CLIENT = holder("client", issuer=ROOT, now=NOW)
OWN = holder("own", now=NOW)
OTHER = holder("other", now=NOW)
CODE = {"redirect_uri": "https://app.test/cb", "code_verifier": VERIFIER}


async def ask(market: Market, client: str, shown: Holder | None, **more: Any) -> Answer:
    """Ask for a token of the client itself, with a certificate."""
    form = {"grant_type": "client_credentials", "client_id": client, **more.pop("form", {})}
    return await market.issuer.post("token", form, certificate=shown.der if shown else b"", **more)


async def machine(market: Market, id: str, **fields: Any) -> None:
    """Add a client for machines."""
    usual = {"grant_types": ("client_credentials",), "scope": "catalog:read", "client_secret_digests": ()}
    await market.issuer.keep(confidential(id, **(usual | fields)))


async def self_signed(market: Market, **fields: Any) -> None:
    """Add a client that registered its own certificate."""
    jwks = {"keys": [{"kty": "EC", "x5c": [b64encode(OWN.der).decode()]}]}
    usual = {"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": jwks}
    await machine(market, "own", **(usual | fields))


@pytest.mark.spec("RFC 8705 section 2.1")
async def test_tls_client_auth(market: Market) -> None:
    await market.issuer.change(Realm, "acme", client_certificate_authorities=ROOT.pem)
    method = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=client"}
    await machine(market, "machine", **method)
    assert (await ask(market, "machine", CLIENT)).status == 200
    impostor = holder("client", issuer=holder("Root", authority=True, now=NOW), now=NOW)
    for shown, reason in (
        (None, "client.wrong_method"),
        (impostor, "certificate.not_trusted"),
        (holder("client", now=NOW), "certificate.not_trusted"),
        (holder("client", issuer=ROOT, now=NOW, days=-1), "certificate.not_trusted"),
        (holder("other", issuer=ROOT, now=NOW), "certificate.other_name"),
    ):
        answer = await ask(market, "machine", shown)
        assert (answer.status, answer.error) == (401, "invalid_client")
        assert market.issuer.journal.reason == reason


@pytest.mark.spec("RFC 8705 section 2.1")
@pytest.mark.attack("A2")
async def test_without_authorities_nobody_gets_in(market: Market) -> None:
    await machine(
        market, "machine", token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn="CN=client"
    )
    assert (await ask(market, "machine", CLIENT)).error == "invalid_client"
    assert market.issuer.journal.reason == "certificate.no_authorities"


@pytest.mark.spec("RFC 8705 section 2.2")
@pytest.mark.parametrize("by_thumbprint", [True, False])
async def test_self_signed_tls_client_auth(market: Market, by_thumbprint: bool) -> None:
    jwks = {"keys": [{"kty": "EC", "x5t#S256": OWN.thumbprint}]}
    await self_signed(market, **({"jwks": jwks} if by_thumbprint else {}))
    assert (await ask(market, "own", OWN)).status == 200
    for shown in (None, OTHER, CLIENT):
        answer = await ask(market, "own", shown)
        assert (answer.status, answer.error) == (401, "invalid_client")
    assert market.issuer.journal.reason == "certificate.unregistered"
    market.issuer.later(31 * 86_400)
    assert (await ask(market, "own", OWN)).error == "invalid_client"
    assert market.issuer.journal.reason == "certificate.expired"


@pytest.mark.spec("RFC 8705 section 2")
@pytest.mark.attack("A2")
async def test_a_certificate_does_not_replace_what_a_client_registered(market: Market) -> None:
    await self_signed(market)
    await machine(market, "keeper", client_secret_digests=("x",))
    assert (await ask(market, "keeper", OWN)).error == "invalid_client"
    named = await ask(market, "own", OWN, form={"client_secret": "guess"})
    assert (named.status, named.error) == (401, "invalid_client")


@pytest.mark.spec("RFC 8705 section 3")
@pytest.mark.spec("RFC 8705 section 3.1")
async def test_tokens_are_bound_to_the_certificate(market: Market) -> None:
    await self_signed(market, tls_client_certificate_bound_access_tokens=True, access_token_format="jwt")
    answer = await ask(market, "own", OWN)
    assert answer.json["token_type"] == "Bearer"
    assert (await market.claims(answer.json["access_token"]))["cnf"] == {"x5t#S256": OWN.thumbprint}


@pytest.mark.spec("RFC 8705 section 3.2")
async def test_introspection_tells_the_certificate(market: Market) -> None:
    await market.issuer.change(Client, "web", tls_client_certificate_bound_access_tokens=True)
    basic = ("web", "correct-horse-battery-staple-0123456789")
    form = {"grant_type": "authorization_code", "code": await market.code(), **CODE}
    missing = await market.issuer.post("token", form, basic=basic)
    assert (missing.status, missing.error) == (400, "invalid_request")
    bound = await market.issuer.post("token", form, basic=basic, certificate=OTHER.der)
    told = (await market.introspect(bound.json["access_token"])).json
    assert told["cnf"] == {"x5t#S256": OTHER.thumbprint}


@pytest.mark.spec("RFC 8705 section 3")
@pytest.mark.attack("A2")
async def test_a_bound_token_is_good_with_its_certificate_only(market: Market) -> None:
    await market.issuer.change(Client, "web", tls_client_certificate_bound_access_tokens=True)
    basic = ("web", "correct-horse-battery-staple-0123456789")
    form = {"grant_type": "authorization_code", "code": await market.code(), **CODE}
    token = (await market.issuer.post("token", form, basic=basic, certificate=OWN.der)).json["access_token"]
    header = [(b"authorization", f"Bearer {token}".encode())]

    async def userinfo(certificate: bytes, *more: tuple[bytes, bytes]) -> Answer:
        return await market.issuer.send("userinfo", method="GET", headers=[*header, *more], certificate=certificate)

    assert (await userinfo(OWN.der)).status == 200
    for certificate in (b"", OTHER.der):
        stolen = await userinfo(certificate, (b"client-cert", b":" + b64encode(OWN.der) + b":"))
        assert (stolen.status, stolen.error) == (401, "invalid_token")
        assert 'error="invalid_token"' in stolen.headers["www-authenticate"]


@pytest.mark.spec("RFC 8705 section 4")
@pytest.mark.attack("F3")
async def test_a_public_clients_refresh_token_wants_its_certificate(market: Market) -> None:
    await market.issuer.change(Client, "spa", tls_client_certificate_bound_access_tokens=True)
    form = {"client_id": "spa", "grant_type": "authorization_code", "code": await market.code("spa"), **CODE}
    first = (await market.issuer.post("token", form, certificate=OWN.der)).json["refresh_token"]
    again = {"client_id": "spa", "grant_type": "refresh_token", "refresh_token": first}
    stolen = await market.issuer.post("token", again, certificate=OTHER.der)
    assert (stolen.status, stolen.error) == (400, "invalid_grant")
    assert market.issuer.journal.reason == "refresh_token.wrong_key"
    assert (await market.issuer.post("token", again, certificate=OWN.der)).status == 200


@pytest.mark.spec("RFC 9449 section 5")
async def test_a_certificate_authenticates_and_a_proof_binds(market: Market) -> None:
    await self_signed(market, dpop_bound_access_tokens=True)
    assert (await ask(market, "own", OWN)).error == "invalid_dpop_proof"
    sender = Sender()
    header = dpop(sender.proof("POST", f"{market.issuer.url}/token", market.issuer.now))
    assert (await ask(market, "own", OWN, headers=[header])).json["token_type"] == "DPoP"


@pytest.mark.spec("FAPI 2.0 Security Profile section 5.3.2.1")
async def test_the_profile_demands_one_of_the_two(market: Market) -> None:
    await self_signed(market, profile="fapi2_security")
    sender = Sender()
    header = dpop(sender.proof("POST", f"{market.issuer.url}/token", market.issuer.now))
    assert (await ask(market, "own", OWN, headers=[header])).json["token_type"] == "DPoP"
    bound = (await ask(market, "own", OWN)).json
    assert bound["token_type"] == "Bearer"
    await market.issuer.change(Client, "own", tls_client_certificate_bound_access_tokens=True)
    contradiction = await ask(market, "own", OWN, headers=[header])
    assert (contradiction.status, contradiction.error) == (400, "invalid_request")


@pytest.mark.spec("RFC 8705 section 3.3")
@pytest.mark.spec("RFC 8705 section 5")
async def test_discovery_says_what_is_taken(market: Market) -> None:
    document = (await market.issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["tls_client_certificate_bound_access_tokens"] is True
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(document["token_endpoint_auth_methods_supported"])
    assert "mtls_endpoint_aliases" not in document
