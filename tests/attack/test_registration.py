"""Attacks on registration: races for a token, confusion of public and confidential, secrets that leak."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import msgspec
import pytest

from keystead.app.convergence.exported import export_realm
from keystead.core.records.client import Client
from keystead.core.records.registration import RegistrationPolicy
from keystead.storage.ports import get
from tests.issuer import Issuer
from tests.registrar import REDIRECT, open_registrar


@pytest.mark.attack("G8")
async def test_one_use_is_one_client_however_many_ask_at_once(issuer: Issuer) -> None:
    registrar = await open_registrar(issuer, uses=1)
    answers = await asyncio.gather(*(registrar.post({"redirect_uris": [REDIRECT]}) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [201] + [401] * 19


@pytest.mark.attack("G8")
async def test_places_are_not_oversold(issuer: Issuer) -> None:
    registrar = await open_registrar(issuer, maximum_clients=3)
    answers = await asyncio.gather(*(registrar.post({"redirect_uris": [REDIRECT]}) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [201] * 3 + [503] * 7


@pytest.mark.attack("A4")
async def test_a_confidential_client_is_never_taken_for_a_public_one(issuer: Issuer) -> None:
    registrar = await open_registrar(issuer)
    told = await registrar.registered()
    form = {"grant_type": "authorization_code", "code": "ksc_x", "redirect_uri": REDIRECT, "code_verifier": "v" * 43}
    for shown in ({}, {"client_secret": "wrong"}, {"client_secret": told["registration_access_token"]}):
        assert (await issuer.post("token", form | {"client_id": told["client_id"]} | shown)).error == "invalid_client"
    assert (await issuer.post("token", form, basic=(told["client_id"], ""))).error == "invalid_client"
    query = f"client_id={told['client_id']}&client_secret={told['client_secret']}".encode()
    assert (await issuer.post("token", form, query=query)).error == "invalid_client"
    public = await registrar.registered(token_endpoint_auth_method="none")
    answer = await issuer.post("token", form, basic=(public["client_id"], "anything"))
    assert answer.error == "invalid_client"


@pytest.mark.attack("A4")
async def test_no_secret_is_kept_or_told_again(issuer: Issuer, tmp_path: Path) -> None:
    registrar = await open_registrar(issuer)
    told = await registrar.registered(token_endpoint_auth_method="client_secret_jwt")
    hidden = [told["client_secret"], told["registration_access_token"]]
    record = await issuer.store.read(get(Client, "acme", told["client_id"], issuer.now))
    exported = await issuer.store.read(export_realm("acme", issuer.now))
    told_again = await registrar.manage("GET", told["client_id"], told["registration_access_token"])
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    journal = msgspec.json.encode(issuer.journal.decisions, enc_hook=repr)
    for secret in hidden:
        assert secret.encode() not in stored + journal + msgspec.json.encode(exported)
        assert secret not in repr(record)
    assert hidden[0].encode() not in told_again.body
    assert "clients" not in exported, "nobody wrote them into a file"


@pytest.mark.attack("G8")
@pytest.mark.parametrize("scope", ["openid admin", "openid openid", "admin openid", " openid"])
async def test_scopes_do_not_grow_by_updating(issuer: Issuer, scope: str) -> None:
    registrar = await open_registrar(issuer, policy=RegistrationPolicy(scope="openid"))
    told = await registrar.registered()
    sent = {"client_id": told["client_id"], "redirect_uris": [REDIRECT], "scope": scope}
    answer = await registrar.manage("PUT", told["client_id"], told["registration_access_token"], sent)
    assert answer.json["scope"] == "openid"


@pytest.mark.attack("G8")
async def test_nobody_guesses_a_token_by_its_digest(issuer: Issuer) -> None:
    registrar = await open_registrar(issuer)
    told = await registrar.registered()
    record = await issuer.store.read(get(Client, "acme", told["client_id"], issuer.now))
    assert record is not None
    for token in (record.registration_access_token_digest, secrets.token_hex(32)):
        assert (await registrar.manage("GET", told["client_id"], token)).status == 401
