"""Pairwise subjects: the same person, another name for every sector, the same name everywhere within one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from keystead.core.jose.jwe import encrypt
from keystead.core.records.client import Client
from keystead.oauth.answer_contradictions import contradictions
from keystead.oauth.situation import Person, Place, gather
from keystead.storage.ports import get
from tests.issuer import SECRET, Issuer, confidential
from tests.market import EXCHANGE, Market
from tests.relying_party import RelyingParty, somebody, suite_client

PAIRWISE = {"subject_type": "pairwise", "grant_types": ("authorization_code", "refresh_token")}


@pytest.fixture
async def sectors(market: Market) -> Market:
    """Two clients of one sector, one of another, and a public one."""
    await market.issuer.change(Client, "web", **PAIRWISE)
    await market.issuer.change(Client, "other", **PAIRWISE, sector_identifier_uri="https://app.test/sector.json")
    await market.issuer.change(Client, "poster", **PAIRWISE, sector_identifier_uri="https://elsewhere.test/s.json")
    return market


async def subject(market: Market, client: str) -> str:
    """Return what the ID token calls the person."""
    tokens = await market.tokens(client) if client != "poster" else await poster_tokens(market)
    claims = await market.verified(tokens["id_token"], "jwt")
    told: str = claims["sub"]
    return told


async def poster_tokens(market: Market) -> dict[str, Any]:
    """Sign in to the client that posts its secret."""
    await market.issuer.change(Client, "poster", token_endpoint_auth_method="client_secret_basic")
    return await market.tokens("poster")


@pytest.mark.spec("OpenID Connect Core 1.0 section 8.1")
async def test_sectors_know_different_names(sectors: Market) -> None:
    names = {client: await subject(sectors, client) for client in ("web", "other", "poster", "trusted")}
    assert names["web"] == names["other"]
    assert len(set(names.values())) == 3
    assert names["trusted"] == sectors.account.id
    for client in ("web", "poster"):
        assert names[client].startswith("pws_")
        assert names[client].isascii()
        assert len(names[client]) <= 255
        assert sectors.account.id not in names[client]
    assert await subject(sectors, "web") == names["web"]


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.3.2")
async def test_the_name_is_the_same_wherever_the_client_looks(sectors: Market) -> None:
    tokens = await sectors.tokens("web")
    name = (await sectors.verified(tokens["id_token"], "jwt"))["sub"]
    assert (await sectors.userinfo(tokens["access_token"])).json["sub"] == name
    assert (await sectors.introspect(tokens["access_token"])).json["sub"] == name
    assert (await sectors.introspect(tokens["refresh_token"])).json["sub"] == name
    refreshed = (await sectors.refresh(tokens["refresh_token"])).json
    assert (await sectors.verified(refreshed["id_token"], "jwt"))["sub"] == name


@pytest.mark.attack("C8")
async def test_apis_know_the_person_and_the_client_never_sees_how(sectors: Market) -> None:
    await sectors.issuer.change(Client, "web", access_token_format="jwt")
    token = (await sectors.tokens("web"))["access_token"]
    assert token.startswith("ksa_")
    assert (await sectors.introspect(token, "catalog")).json["sub"] == sectors.account.id


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.1")
async def test_a_hint_with_the_pairwise_name_is_recognised(sectors: Market) -> None:
    name = await subject(sectors, "web")
    issuer = sectors.issuer
    place = Place("acme", issuer.url, issuer.cx.sealer)
    digest = sectors.session.handle_digest
    situation = await issuer.store.read(gather(place, "web", digest, issuer.now))
    assert isinstance(situation.person, Person)
    assert situation.person.told == name
    public = await issuer.store.read(gather(place, "trusted", digest, issuer.now))
    assert isinstance(public.person, Person)
    assert public.person.told == sectors.account.id


async def test_the_key_is_the_realms_own(sectors: Market) -> None:
    client = await sectors.issuer.store.read(get(Client, "acme", "web", sectors.issuer.now))
    assert client is not None
    here, there = (sectors.issuer.cx.sealer.mac(realm, "pairwise_subject", b"x") for realm in ("acme", "other"))
    assert here != there


@pytest.mark.spec("OpenID Connect Dynamic Client Registration 1.0 section 5")
@pytest.mark.parametrize(
    ("fields", "member"),
    [
        ({"subject_type": "secret"}, "subject_type"),
        ({**PAIRWISE, "access_token_format": "jwt"}, "access_token_format"),
        ({**PAIRWISE, "grant_types": ("authorization_code", EXCHANGE)}, "grant_types"),
        ({**PAIRWISE, "redirect_uris": ("https://a.test/cb", "https://b.test/cb")}, "sector_identifier_uri"),
        ({**PAIRWISE, "sector_identifier_uri": "http://a.test/s"}, "sector_identifier_uri"),
        ({"userinfo_signed_response_alg": "HS256"}, "userinfo_signed_response_alg"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"id_token_encrypted_response_alg": "RSA1_5", "jwks": {"keys": []}}, "id_token_encrypted_response_alg"),
        ({"id_token_encrypted_response_alg": "ECDH-ES"}, "id_token_encrypted_response_alg"),
        ({"userinfo_encrypted_response_enc": "A128GCM"}, "userinfo_encrypted_response_enc"),
    ],
)
def test_contradictions_are_named(fields: dict[str, Any], member: str) -> None:
    client = {name: getattr(confidential("web", **fields), name) for name in Client.__struct_fields__}
    assert member in [place for place, _ in contradictions(client, ("ES256", "RS256"))]


def test_what_fits_together_is_accepted() -> None:
    made = confidential(
        "web",
        **PAIRWISE,
        sector_identifier_uri="https://app.test/s",
        id_token_signed_response_alg="RS256",
        id_token_encrypted_response_alg="RSA-OAEP-256",
        jwks={"keys": []},
    )
    client = {name: getattr(made, name) for name in Client.__struct_fields__}
    assert list(contradictions(client, ("ES256", "RS256"))) == []
    assert SECRET not in str(client)


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.1")
@pytest.mark.parametrize("subject_type", ["public", "pairwise"])
async def test_a_hint_may_come_back_encrypted_to_us(issuer: Issuer, subject_type: str) -> None:
    """A client that gets encrypted ID tokens gives the signed one back, encrypted to the server's key."""
    await issuer.set_up(suite_client(subject_type=subject_type), somebody())
    party = RelyingParty(issuer)
    tokens, claims = await party.flow()
    assert claims["sub"].startswith("pws_" if subject_type == "pairwise" else "usr_")
    jwk = next(key for key in await party.keys() if key["use"] == "enc")
    hint = encrypt(tokens["id_token"].encode(), jwk=jwk, algorithm="ECDH-ES", encryption="A128GCM")
    answer = party.answer_on(await party.ask(prompt="none", id_token_hint=hint))
    assert "code" in answer
    forged = encrypt(b"no.id.token", jwk=jwk, algorithm="ECDH-ES", encryption="A128GCM")
    answer = party.answer_on(await party.ask(prompt="none", id_token_hint=forged))
    assert answer["error"] == "invalid_request"
    said = await party.browser.get(f"{issuer.url}/logout?{urlencode({'id_token_hint': hint})}")
    assert not said.has("logout-yes"), "the hint proves which session is meant, so nobody is asked"
