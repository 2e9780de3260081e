"""ID-JAG: made here for another server, and taken here from another issuer."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.session import Session
from keystead.core.records.trusted_issuer import PartnerServer
from tests.elsewhere import ID_JAG_TYP, Elsewhere, open_elsewhere
from tests.issuer import Answer
from tests.market import CATALOG, EXCHANGE, ORDERS, Market

ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"
CHAT = "https://acme.chat.test/"


@pytest.fixture
async def elsewhere(market: Market) -> Elsewhere:
    """Another issuer, and a chat server that takes assertions."""
    await market.issuer.keep(
        PartnerServer(
            realm="acme",
            id=CHAT,
            clients={"web": "f53f191f9311af35"},
            scopes=("chat.read", "chat.history"),
            resources=("https://api.chat.test/",),
            formats=("id_jag", "jwt"),
            tells_email=True,
        )
    )
    return await open_elsewhere(market)


async def ask(market: Market, token: str, type: str = ID_TOKEN, client: str = "web", **form: Any) -> Answer:
    """Ask for an ID-JAG."""
    usual = {
        "requested_token_type": ID_JAG,
        "audience": CHAT,
        "subject_token": token,
        "subject_token_type": type,
        "scope": "chat.read",
    }
    return await market.issuer.token(EXCHANGE, client=client, **(usual | form))


@pytest.mark.spec("draft-ietf-oauth-identity-assertion-authz-grant section 3.1")
@pytest.mark.spec("draft-ietf-oauth-identity-assertion-authz-grant section 4.3")
@pytest.mark.parametrize("type", [ID_TOKEN, REFRESH_TOKEN])
async def test_an_id_jag_is_issued(elsewhere: Elsewhere, type: str) -> None:
    market = elsewhere.market
    tokens = await market.tokens()
    shown = tokens["id_token" if type == ID_TOKEN else "refresh_token"]
    answer = await ask(market, shown, type, resource="https://api.chat.test/")
    assert answer.status == 200, answer.body
    found = answer.json
    assert (found["issued_token_type"], found["token_type"], found["scope"]) == (ID_JAG, "N_A", "chat.read")
    assert "refresh_token" not in found
    claims = await market.verified(found["access_token"], ID_JAG_TYP)
    now = market.issuer.now
    assert claims | {"jti": ""} == {
        "iss": market.issuer.url,
        "sub": market.account.id,
        "aud": CHAT,
        "client_id": "f53f191f9311af35",
        "jti": "",
        "iat": now,
        "exp": now + 300,
        "scope": "chat.read",
        "resource": "https://api.chat.test/",
        "auth_time": now,
        "acr": "1",
        "amr": ["pwd"],
        "email": "alice@acme.test",
        "email_verified": True,
    }
    assert (await market.userinfo(found["access_token"])).error == "invalid_token"
    assert await market.active(found["access_token"]) is False
    if type == REFRESH_TOKEN:
        assert (await market.refresh(shown)).status == 200, "it was looked at, not used up"


@pytest.mark.spec("draft-ietf-oauth-identity-assertion-authz-grant section 4.3.3")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"audience": "https://other.chat.test/"}, "invalid_target"),
        ({"audience": ""}, "invalid_target"),
        ({"resource": "https://api.other.test/"}, "invalid_target"),
        ({"scope": "chat.delete"}, "invalid_scope"),
        ({"client": "other"}, "invalid_target"),
        ({"client": "spa"}, "invalid_client"),
        ({"type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
    ],
)
async def test_what_policy_does_not_allow_is_refused(elsewhere: Elsewhere, form: dict[str, Any], error: str) -> None:
    token = (await elsewhere.market.tokens())["id_token"]
    assert (await ask(elsewhere.market, token, **form)).error == error


@pytest.mark.spec("draft-ietf-oauth-identity-assertion-authz-grant section 4.3.3")
@pytest.mark.attack("G1")
async def test_the_subject_token_must_be_the_clients_own_and_live(elsewhere: Elsewhere) -> None:
    market = elsewhere.market
    others = await market.tokens("other")
    assert (await ask(market, others["id_token"])).error == "invalid_grant"
    assert (await ask(market, others["refresh_token"], REFRESH_TOKEN)).error == "invalid_grant"
    mine = await market.tokens()
    assert (await ask(market, mine["access_token"])).error == "invalid_grant", "an access token is no ID token"
    access = "urn:ietf:params:oauth:token-type:access_token"
    assert (await ask(market, mine["access_token"], access)).error == "invalid_request", "it does not say who signed in"
    spent = mine["refresh_token"]
    live = (await market.refresh(spent)).json["refresh_token"]
    assert (await ask(market, spent, REFRESH_TOKEN)).error == "invalid_grant"
    assert (await ask(market, live, REFRESH_TOKEN)).status == 200
    forged = jws.sign(elsewhere.claims(**elsewhere.person(iss=market.issuer.url, aud="web")), elsewhere.key, "JWT")
    assert (await ask(market, forged)).error == "invalid_grant"
    await market.issuer.change(Session, market.session.id, ended_at=market.issuer.now)
    assert (await ask(market, mine["id_token"])).error == "invalid_grant"


@pytest.mark.attack("F4")
async def test_a_disabled_person_partner_or_client_gets_none(elsewhere: Elsewhere) -> None:
    market = elsewhere.market
    token = (await market.tokens())["id_token"]
    await market.issuer.change(PartnerServer, CHAT, enabled=False)
    assert (await ask(market, token)).error == "invalid_target"
    await market.issuer.change(PartnerServer, CHAT, enabled=True)
    await market.issuer.change(Account, market.account.id, enabled=False)
    assert (await ask(market, token)).error == "invalid_grant"
    await market.issuer.change(Account, market.account.id, enabled=True)
    await market.issuer.change(Client, "web", enabled=False)
    assert (await ask(market, token)).error == "invalid_client"


@pytest.mark.spec("draft-ietf-oauth-identity-chaining section 2.3")
async def test_plain_identity_chaining(elsewhere: Elsewhere) -> None:
    market = elsewhere.market
    token = (await market.tokens())["access_token"]
    access = "urn:ietf:params:oauth:token-type:access_token"
    jwt = "urn:ietf:params:oauth:token-type:jwt"
    answer = await ask(market, token, access, requested_token_type=jwt)
    assert answer.status == 200, answer.body
    assert (answer.json["token_type"], answer.json["issued_token_type"]) == ("N_A", jwt)
    claims = await market.verified(answer.json["access_token"], "jwt")
    assert (claims["aud"], claims["sub"], claims["client_id"]) == (CHAT, market.account.id, "f53f191f9311af35")


@pytest.mark.spec("draft-ietf-oauth-identity-assertion-authz-grant section 4.4")
async def test_an_id_jag_is_taken(elsewhere: Elsewhere) -> None:
    market = elsewhere.market
    await elsewhere.trusted_for_people(id_jag=True)
    person = elsewhere.person(client_id="trusted", scope="catalog:read orders:read", resource=CATALOG)
    answer = await elsewhere.bring_as("trusted", elsewhere.assertion(ID_JAG_TYP, **person))
    assert answer.status == 200, answer.body
    assert answer.json["scope"] == "catalog:read"
    assert "refresh_token" not in answer.json
    beyond = elsewhere.assertion(ID_JAG_TYP, **person)
    assert (await elsewhere.bring_as("trusted", beyond, resource=ORDERS)).error == "invalid_target"
    assert (await elsewhere.bring_as("trusted", beyond, scope="orders:write")).error == "invalid_scope"
    assert (await elsewhere.bring_as("trusted", beyond)).status == 200, "a mistake did not spend it"
    await market.issuer.change(Realm, "acme", features=("id_jag_issuer", "id_jag_receiver"))
    metadata = (await market.issuer.send(".well-known/openid-configuration", method="GET")).json
    assert metadata["authorization_grant_profiles_supported"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]
    assert metadata["identity_chaining_requested_token_types_supported"] == [ID_JAG]


@pytest.mark.spec("draft-ietf-oauth-identity-assertion-authz-grant section 4.4.1")
@pytest.mark.attack("A1")
@pytest.mark.parametrize(
    ("typ", "changes"),
    [
        (ID_JAG_TYP, {"client_id": "web"}),
        (ID_JAG_TYP, {"client_id": None}),
        (ID_JAG_TYP, {"aud": ["http://issuer.test:8080/realms/acme"]}),
        (ID_JAG_TYP, {"aud": "http://issuer.test:8080/realms/acme/"}),
        (ID_JAG_TYP, {"aud": "http://issuer.test:8080/realms/acme/token"}),
        (ID_JAG_TYP, {"jti": None}),
        (ID_JAG_TYP, {"iat": None}),
        (ID_JAG_TYP, {"scope": ""}),
        ("JWT", {}),
        ("", {}),
        ("at+jwt", {}),
        ("logout+jwt", {}),
    ],
)
async def test_an_id_jag_for_others_or_of_another_kind_is_refused(
    elsewhere: Elsewhere, typ: str, changes: dict[str, Any]
) -> None:
    await elsewhere.trusted_for_people(id_jag=True)
    claims = elsewhere.person(client_id="trusted", scope="catalog:read") | changes
    answer = await elsewhere.bring_as("trusted", elsewhere.assertion(typ, **claims))
    assert answer.error in ("invalid_grant", "invalid_scope") or answer.json.get("scope") == "", answer.body


@pytest.mark.attack("A1")
async def test_an_id_jag_is_good_once_and_not_for_entries_that_want_plain_assertions(elsewhere: Elsewhere) -> None:
    await elsewhere.trusted_for_people(id_jag=True)
    token = elsewhere.assertion(ID_JAG_TYP, **elsewhere.person(client_id="trusted"))
    assert (await elsewhere.bring_as("trusted", token)).status == 200
    assert (await elsewhere.bring_as("trusted", token)).error == "invalid_grant"
    fresh = elsewhere.assertion(ID_JAG_TYP, **elsewhere.person(client_id="trusted"))
    jwt = "urn:ietf:params:oauth:token-type:jwt"
    assert (await elsewhere.market.exchange(fresh, ORDERS, "web", subject_token_type=jwt)).error == "invalid_grant"
