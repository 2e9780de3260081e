"""The authorization API of `keystead serve`: tokens of the realm open its stores, and nothing else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from keystead.app.convergence.authorization import store_id
from tests.harness.configuration import REALM, new_secret
from tests.harness.issuer import RunningIssuer, issuer_in
from tests.harness.oauth_client import basic

MODEL = """
model
  schema 1.1

type user

type document
  relations
    define viewer: [user]
"""
STORE, OTHERS = store_id(REALM, "shop"), store_id("other", "theirs")
NOWHERE = "01HVMMBCMGZNT3SED4Z17ECXCA"
TUPLE = {"user": "user:alice", "relation": "viewer", "object": "document:1"}
EVALUATION = {
    "subject": {"type": "user", "id": "alice"},
    "action": {"name": "viewer"},
    "resource": {"type": "document", "id": "1"},
}


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[RunningIssuer]:
    """Two realms with a store each; the shop's is the default one."""
    async with issuer_in(tmp_path) as running:
        running.configuration["realms"]["other"] = {"clients": []}
        for realm in running.configuration["realms"].values():
            client = {"client_id": "pdp", "client_secret": new_secret(), "scope": "authz:read authz:write"}
            realm["clients"].append({**client, "grant_types": ["client_credentials"]})
        running.realm["clients"][-1]["access_token_format"] = "jwt"
        running.configuration["authz"] = {
            "stores": {
                "shop": {"realm": REALM, "model": MODEL, "default": True},
                "theirs": {"realm": "other", "model": MODEL},
            }
        }
        await running.start()
        yield running


async def token(issuer: RunningIssuer, realm: str = REALM, **form: str) -> str:
    """Return an access token of the realm's client."""
    clients = issuer.configuration["realms"][realm]["clients"]
    secret = next(client["client_secret"] for client in clients if client["client_id"] == "pdp")
    form = {"grant_type": "client_credentials", "resource": f"{issuer.base_url}/authz"} | form
    url = f"{issuer.base_url}/realms/{realm}/token"
    async with issuer.session.post(url, data=form, headers={"authorization": basic("pdp", secret)}) as reply:
        document = await reply.json()
        assert reply.status == 200, document
        issuer.witness.saw("access_token", document["access_token"])
        return str(document["access_token"])


async def ask(
    issuer: RunningIssuer, path: str, document: Any, shown: str, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    """Post to the API."""
    sent = {"authorization": f"Bearer {shown}"} | {name.replace("_", "-"): text for name, text in headers.items()}
    async with issuer.session.post(f"{issuer.base_url}{path}", json=document, headers=sent) as reply:
        said = await reply.json() if reply.content_type == "application/json" else await reply.text()
        return reply.status, said, {name.lower(): text for name, text in reply.headers.items()}


async def test_the_default_store_answers_authzen(issuer: RunningIssuer) -> None:
    shown = await token(issuer)
    assert (await ask(issuer, "/access/v1/evaluation", EVALUATION, shown))[:2] == (
        200,
        {"decision": False, "context": {"reason": "authz.no_path"}},
    )
    status, _, headers = await ask(issuer, f"/authz/stores/{STORE}/write", {"writes": {"tuple_keys": [TUPLE]}}, shown)
    assert status == 200
    written = {"keystead_consistency_token": headers["keystead-consistency-token"], "x_request_id": "mine"}
    status, said, headers = await ask(issuer, "/access/v1/evaluation", EVALUATION, shown, **written)
    assert (status, said, headers["x-request-id"]) == (200, {"decision": True}, "mine")
    named = f"/authz/stores/{STORE}/access/v1/search/resource"
    found = {**EVALUATION, "resource": {"type": "document"}}
    assert (await ask(issuer, named, found, shown))[1]["results"] == [{"type": "document", "id": "1"}]
    async with issuer.session.get(
        f"{issuer.base_url}/.well-known/authzen-configuration", headers={"host": "evil.test"}
    ) as reply:
        document = await reply.json()
    assert document["policy_decision_point"] == issuer.base_url
    assert "evil.test" not in str(document)


@pytest.mark.attack("C4")
async def test_another_realm_s_store_is_one_that_is_not_there(issuer: RunningIssuer) -> None:
    shown, other = await token(issuer), await token(issuer, "other")
    for path in ("check", "access/v1/evaluation", "read", "changes", "authorization-models"):
        await _is_not_there(issuer, path, shown)
    assert (await ask(issuer, f"/authz/stores/{OTHERS}/check", {"tuple_key": TUPLE}, other))[0] == 200


async def _is_not_there(issuer: RunningIssuer, path: str, shown: str) -> None:
    body = EVALUATION if "/" in path else {"tuple_key": TUPLE} if path == "check" else {}
    answers = []
    for store in (OTHERS, NOWHERE):
        url, headers = f"{issuer.base_url}/authz/stores/{store}/{path}", {"authorization": f"Bearer {shown}"}
        method = "GET" if path in ("changes", "authorization-models") else "POST"
        async with issuer.session.request(method, url, json=body or None, headers=headers) as reply:
            answers.append((reply.status, (await reply.text()).replace(store, "STORE"), set(reply.headers)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


@pytest.mark.attack("CVE-2026-55689")
async def test_no_other_token_opens_it(issuer: RunningIssuer) -> None:
    batch = issuer.client("batch")
    catalog = (await batch.token("client_credentials", scope="catalog:read")).json["access_token"]
    for path, body in ((f"/authz/stores/{STORE}/check", {"tuple_key": TUPLE}), ("/access/v1/evaluation", EVALUATION)):
        for shown in (catalog, "x", catalog[:-4] + "AAAA"):
            status, _, headers = await ask(issuer, path, body, shown)
            assert (status, headers["www-authenticate"].split()[0]) == (401, "Bearer")
    reader = await token(issuer, scope="authz:read")
    status, said, headers = await ask(
        issuer, f"/authz/stores/{STORE}/write", {"writes": {"tuple_keys": [TUPLE]}}, reader
    )
    assert (status, said["code"]) == (403, "forbidden")
    assert 'scope="authz:write"' in headers["www-authenticate"]


@pytest.mark.attack("T2")
async def test_a_revoked_token_is_refused_within_a_second(issuer: RunningIssuer) -> None:
    shown = await token(issuer, "other")
    path = f"/authz/stores/{OTHERS}/check"
    assert (await ask(issuer, path, {"tuple_key": TUPLE}, shown))[0] == 200
    clients = issuer.configuration["realms"]["other"]["clients"]
    headers = {"authorization": basic("pdp", clients[-1]["client_secret"])}
    async with issuer.session.post(
        f"{issuer.base_url}/realms/other/revoke", data={"token": shown}, headers=headers
    ) as reply:
        assert reply.status == 200
    statuses: list[int] = []
    while not statuses or statuses[-1] == 200:
        statuses.append((await ask(issuer, path, {"tuple_key": TUPLE}, shown))[0])
        assert len(statuses) < 20_000
    assert statuses[-1] == 401
