"""Another system ends a person's access here, at once and everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.issuer import Answer, Issuer, confidential
from tests.shop import alice

pytestmark = pytest.mark.spec("draft-parecki-oauth-global-token-revocation section 3")


@pytest.fixture
async def ready(issuer: Issuer) -> Issuer:
    """A realm with a system that may, one that may not, and alice."""
    system: dict[str, Any] = {"grant_types": ("client_credentials",), "redirect_uris": ()}
    await issuer.set_up(
        confidential("soc", scope="global_token_revocation", **system),
        confidential("nosy", scope="ssf.read", **system),
        confidential(),
        alice(),
    )
    return issuer


async def revoke(
    issuer: Issuer, subject: Any, *, client: str = "soc", scope: str = "global_token_revocation"
) -> Answer:
    """Ask for it."""
    token = (await issuer.token("client_credentials", client=client, scope=scope)).json["access_token"]
    headers = [(b"content-type", b"application/json"), (b"authorization", b"Bearer " + token.encode())]
    return await issuer.send("global-token-revocation", json.dumps({"sub_id": subject}).encode(), headers=headers)


@pytest.mark.parametrize("format", ["iss_sub", "email", "opaque"])
@pytest.mark.attack("F4")
async def test_everything_a_person_had_is_dead_at_once(ready: Issuer, format: str) -> None:
    account, session = await ready.signed_in(alice(id="usr_eve", username="eve", email="eve@acme.test"))
    await ready.consent(account, "web", ("openid", "offline_access"))
    tokens = (await ready.redeem(await ready.code(account, session, scopes=("openid", "offline_access")))).json
    subject = {
        "iss_sub": {"format": "iss_sub", "iss": ready.url, "sub": "usr_eve"},
        "email": {"format": "email", "email": "eve@acme.test"},
        "opaque": {"format": "opaque", "id": "usr_eve"},
    }[format]
    assert (await revoke(ready, subject)).status == 204
    assert (await ready.token("refresh_token", refresh_token=tokens["refresh_token"])).error == "invalid_grant"
    told = await ready.post(
        "introspect", {"token": tokens["access_token"]}, basic=("web", "correct-horse-battery-staple-0123456789")
    )
    assert told.json == {"active": False}


async def test_an_unknown_subject_is_404_and_nonsense_400(ready: Issuer) -> None:
    assert (await revoke(ready, {"format": "opaque", "id": "usr_nobody"})).status == 404
    assert (await revoke(ready, {"format": "iss_sub", "iss": "https://other.test", "sub": "usr_alice"})).status == 404
    for subject in (None, "usr_alice", {"format": "dna"}, {"format": "email"}):
        assert (await revoke(ready, subject)).status == 400


async def test_only_who_was_given_the_scope_may(ready: Issuer) -> None:
    answer = await revoke(ready, {"format": "opaque", "id": "usr_alice"}, client="nosy", scope="ssf.read")
    assert answer.status == 403
    assert (await ready.send("global-token-revocation", b"{}")).status == 401


async def test_discovery_names_it(ready: Issuer) -> None:
    document = (await ready.send(".well-known/openid-configuration", method="GET")).json
    assert document["global_token_revocation_endpoint"] == f"{ready.url}/global-token-revocation"
