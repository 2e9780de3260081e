"""Managing a registration: read, replace, remove; with the right token, for this client, and within the policy."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.jose.algorithms import generate
from keystead.core.records.client import Client
from keystead.core.records.registration import RegistrationPolicy
from keystead.core.records.revocation import REVOCATION_TOPIC
from keystead.core.values import handle_digest
from keystead.storage.ports import get, read_outbox
from tests.issuer import Issuer, confidential
from tests.registrar import REDIRECT, Registrar, open_registrar

JWKS = {"keys": [generate("ES256").public().jwk()]}
NOT_SENT = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")


@pytest.fixture
async def registrar(issuer: Issuer) -> Registrar:
    """A realm whose operator gave one initial access token out."""
    return await open_registrar(issuer)


def update(told: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the metadata of an update, made of what the server said."""
    sent = {name: value for name, value in told.items() if name not in NOT_SENT} | changes
    return {name: value for name, value in sent.items() if value is not ...}


@pytest.mark.spec("RFC 7592 section 2.1")
@pytest.mark.spec("RFC 7592 section 3")
async def test_reading_tells_all_but_the_secret(registrar: Registrar) -> None:
    told = await registrar.registered(client_name="Tests")
    token = told["registration_access_token"]
    answer = await registrar.manage("GET", told["client_id"], token)
    assert answer.status == 200
    assert answer.json == {name: value for name, value in told.items() if name != "client_secret"}
    assert answer.json["registration_access_token"] == token


@pytest.mark.spec("RFC 7592 section 2.2")
async def test_an_update_replaces_everything(registrar: Registrar) -> None:
    told = await registrar.registered(client_name="Tests", logo_uri="https://app.test/logo.png")
    other = "https://app.test/other"
    changed = update(told, redirect_uris=[other], logo_uri=..., client_name=None)
    answer = await registrar.manage("PUT", told["client_id"], told["registration_access_token"], changed)
    assert answer.status == 200, answer.body
    assert answer.json["redirect_uris"] == [other]
    assert "logo_uri" not in answer.json
    assert "client_name" not in answer.json
    assert "client_secret" not in answer.json, "the secret stays as it was, and is not said again"
    assert answer.json["registration_access_token"] == told["registration_access_token"]
    assert answer.json["registration_client_uri"] == told["registration_client_uri"]
    token = await registrar.issuer.redeem("ksc_x", client=told["client_id"], secret=told["client_secret"])
    assert token.error == "invalid_grant", "the old secret still authenticates"


@pytest.mark.spec("RFC 7592 section 2.2")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"client_id": ...},
        {"registration_access_token": "ksm_x"},
        {"client_secret_expires_at": 0},
        {"client_secret": "one-of-my-own-choice"},
        {"jwks": JWKS, "jwks_uri": "https://app.test/jwks"},
        {"jwks_uri": "http://app.test/jwks"},
    ],
)
async def test_updates_that_are_refused(registrar: Registrar, changes: dict[str, Any]) -> None:
    told = await registrar.registered()
    answer = await registrar.manage(
        "PUT", told["client_id"], told["registration_access_token"], update(told, **changes)
    )
    assert (answer.status, answer.error) == (400, "invalid_client_metadata")
    read = await registrar.manage("GET", told["client_id"], told["registration_access_token"])
    assert read.json["redirect_uris"] == [REDIRECT]


@pytest.mark.spec("RFC 7592 section 2.2")
async def test_a_bad_redirect_uri_is_refused_at_update_too(registrar: Registrar) -> None:
    told = await registrar.registered()
    bad = update(told, redirect_uris=["https://app.test/cb#x"])
    answer = await registrar.manage("PUT", told["client_id"], told["registration_access_token"], bad)
    assert (answer.status, answer.error) == (400, "invalid_redirect_uri")


@pytest.mark.attack("G8")
async def test_an_update_stays_within_the_policy_of_its_registration(issuer: Issuer) -> None:
    policy = RegistrationPolicy(scope="openid", redirect_hosts=("app.test",))
    registrar = await open_registrar(issuer, policy=policy)
    told = await registrar.registered()
    token, id = told["registration_access_token"], told["client_id"]
    assert (await registrar.manage("PUT", id, token, update(told, scope="openid email"))).json["scope"] == "openid"
    for changes, error in (
        ({"redirect_uris": ["https://evil.test/"]}, "invalid_redirect_uri"),
        ({"grant_types": ["client_credentials"], "response_types": []}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "workload"}, "invalid_client_metadata"),
    ):
        assert (await registrar.manage("PUT", id, token, update(told, **changes))).error == error


async def test_another_method_gets_other_credentials(registrar: Registrar) -> None:
    told = await registrar.registered()
    token, id = told["registration_access_token"], told["client_id"]
    signed = update(told, token_endpoint_auth_method="private_key_jwt", jwks=JWKS, client_secret=...)
    answer = await registrar.manage("PUT", id, token, signed)
    assert answer.status == 200
    assert "client_secret_expires_at" not in answer.json
    client = await registrar.issuer.store.read(get(Client, "acme", id, registrar.issuer.now))
    assert client is not None
    assert client.client_secret_digests == ()
    events = await registrar.issuer.store.read(read_outbox(REVOCATION_TOPIC))
    assert any(id.encode() in event.payload for event in events), "verifiers hear of it"
    back = await registrar.manage("PUT", id, token, update(told, client_secret=...))
    assert len(back.json["client_secret"]) >= 64
    assert back.json["client_secret"] != told["client_secret"]


@pytest.mark.spec("RFC 7592 section 2.3")
async def test_a_deleted_client_is_gone_with_its_token(registrar: Registrar) -> None:
    told = await registrar.registered()
    token, id = told["registration_access_token"], told["client_id"]
    answer = await registrar.manage("DELETE", id, token)
    assert (answer.status, answer.body) == (204, b"")
    for method in ("GET", "DELETE", "PUT"):
        again = await registrar.manage(method, id, token, update(told) if method == "PUT" else None)
        assert (again.status, again.error) == (401, "invalid_token")
        assert "client_id" not in again.json
    asked = await registrar.issuer.redeem("ksc_x", client=id, secret=told["client_secret"])
    assert asked.error == "invalid_client"


@pytest.mark.spec("RFC 7592 section 2.1")
@pytest.mark.attack("G8")
async def test_only_the_right_token_for_this_client(registrar: Registrar) -> None:
    one, other = await registrar.registered(), await registrar.registered()
    for token in (None, "", "ivegotthisterriblepain", other["registration_access_token"], one["client_secret"]):
        for method in ("GET", "DELETE"):
            answer = await registrar.manage(method, one["client_id"], token)
            assert (answer.status, answer.error) == (401, "invalid_token"), token
    unknown = await registrar.manage("GET", "nobody", one["registration_access_token"])
    assert unknown.body == (await registrar.manage("GET", one["client_id"], "wrong")).body
    assert (await registrar.manage("GET", "", one["registration_access_token"])).status == 401


@pytest.mark.attack("G8")
async def test_a_disabled_client_cannot_switch_itself_on(registrar: Registrar) -> None:
    told = await registrar.registered()
    await registrar.issuer.change(Client, told["client_id"], enabled=False)
    token = told["registration_access_token"]
    for method, metadata in (("GET", None), ("PUT", update(told, enabled=True)), ("DELETE", None)):
        assert (await registrar.manage(method, told["client_id"], token, metadata)).status == 401


@pytest.mark.attack("G8")
async def test_the_operators_clients_are_not_managed_here(registrar: Registrar) -> None:
    await registrar.issuer.keep(
        confidential("web"),
        confidential("odd", registration_access_token_digest=handle_digest("ksm_known"), managed_by="configuration"),
    )
    for id, token in (("web", ""), ("web", "0" * 64), ("odd", "ksm_known")):
        assert (await registrar.manage("GET", id, token)).status == 401


async def test_places_are_freed(issuer: Issuer) -> None:
    registrar = await open_registrar(issuer, maximum_clients=1)
    told = await registrar.registered()
    assert (await registrar.post({"redirect_uris": [REDIRECT]})).status == 503
    await registrar.manage("DELETE", told["client_id"], told["registration_access_token"])
    await registrar.registered()
