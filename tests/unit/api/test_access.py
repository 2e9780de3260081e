"""Who the authorization API admits: live tokens for it, of a realm served here, with the scope, from their holder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keystead.api.access import Access, Caller
from keystead.core.http import Reply, Request
from keystead.core.records.account import Account
from keystead.core.records.api import Api
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.trace import new_trace
from keystead.oauth.authorization_api import AUTHZ_READ, AUTHZ_WRITE, LIFETIME
from tests.certificates import holder
from tests.dpop import Sender, dpop
from tests.issuer import BASE, SECRET, Issuer, confidential

AUDIENCE = f"{BASE}/authz"
CHECK = "/authz/stores/01HVMMBCMGZNT3SED4Z17ECXCA/check"
Headers = Sequence[tuple[bytes, bytes]]


@pytest.fixture
async def shop(issuer: Issuer) -> Issuer:
    """An issuer with clients that may use the API, and one API of its own."""
    service: dict[str, Any] = {"grant_types": ("client_credentials",), "scope": "authz:read authz:write catalog:read"}
    await issuer.set_up(
        confidential("checker", access_token_format="jwt", **service),
        confidential("opaque", **service),
        confidential("bound", tls_client_certificate_bound_access_tokens=True, **service),
        Api(realm="acme", id="https://catalog.test", scopes=("catalog:read",)),
    )
    return issuer


@pytest.fixture
def access(shop: Issuer) -> Access:
    """The door."""
    return Access(shop.cx, ("acme",))


async def token_of(issuer: Issuer, client: str = "checker", *, headers: Headers = (), **form: Any) -> str:
    """Return an access token of a client, for the API unless told otherwise."""
    asked = {"resource": AUDIENCE, **form}
    answer = await issuer.token("client_credentials", client=client, headers=headers, **asked)
    assert answer.status == 200, answer.body
    return str(answer.json["access_token"])


async def ask(
    access: Access, issuer: Issuer, *headers: tuple[bytes, bytes], scope: str = AUTHZ_READ, **more: Any
) -> Caller | Reply:
    """Send a request to the door."""
    request = Request("POST", CHECK, b"", headers, b"{}", issuer.now, new_trace(), **more)
    return await access.authorize(request, scope)


def bearer(token: str, scheme: str = "Bearer") -> tuple[bytes, bytes]:
    """Return the header that shows a token."""
    return b"authorization", f"{scheme} {token}".encode()


def refused(outcome: Caller | Reply) -> tuple[int, str, str]:
    """Return status, code and challenge of a refusal."""
    assert isinstance(outcome, Reply)
    document = msgspec.json.decode(outcome.body)
    assert set(document) == {"code", "message"}
    return outcome.status, document["code"], dict(outcome.headers).get(b"www-authenticate", b"").decode()


@pytest.mark.parametrize("client", ["checker", "opaque"])
async def test_a_token_for_the_api_is_admitted_in_either_format(access: Access, shop: Issuer, client: str) -> None:
    token = await token_of(shop, client)
    for _ in range(2):
        caller = await ask(access, shop, bearer(token))
        assert isinstance(caller, Caller)
        assert (caller.realm, caller.claims.client_id) == ("acme", client)
    assert [one.action for one in shop.journal.decisions].count("authz.access") == 1


async def test_the_scopes_alone_lead_to_the_api(access: Access, shop: Issuer) -> None:
    token = await token_of(shop, "opaque", scope="authz:read", resource=())
    assert isinstance(await ask(access, shop, bearer(token)), Caller)


@pytest.mark.spec("RFC 6750 section 3")
async def test_without_a_token_the_challenge_names_no_error(access: Access, shop: Issuer) -> None:
    status, code, challenge = refused(await ask(access, shop))
    assert (status, code) == (401, "bearer_token_missing")
    assert challenge.startswith("Bearer ")
    assert "error=" not in challenge


@pytest.mark.attack("CVE-2026-55689")
@pytest.mark.parametrize("client", ["checker", "opaque"])
async def test_a_token_for_another_audience_is_refused(access: Access, shop: Issuer, client: str) -> None:
    token = await token_of(shop, client, resource="https://catalog.test")
    status, code, challenge = refused(await ask(access, shop, bearer(token)))
    assert (status, code) == (401, "auth_failed_invalid_audience")
    assert 'error="invalid_token"' in challenge


@pytest.mark.spec("RFC 6750 section 3.1")
async def test_a_token_without_the_scope_is_forbidden_and_told_which(access: Access, shop: Issuer) -> None:
    token = await token_of(shop, scope="authz:read")
    assert isinstance(await ask(access, shop, bearer(token)), Caller)
    status, code, challenge = refused(await ask(access, shop, bearer(token), scope=AUTHZ_WRITE))
    assert (status, code) == (403, "forbidden")
    assert 'error="insufficient_scope"' in challenge
    assert f'scope="{AUTHZ_WRITE}"' in challenge


async def test_a_realm_that_is_not_served_has_no_tokens_here(access: Access, shop: Issuer, tmp_path: Path) -> None:
    other = Issuer(tmp_path, realm="other", store=shop.store)
    await other.set_up(confidential("checker", realm="other", grant_types=("client_credentials",), scope="authz:read"))
    token = await token_of(other)
    assert refused(await ask(access, shop, bearer(token)))[:2] == (401, "auth_failed_invalid_issuer")
    both = Access(shop.cx, ("acme", "other"))
    caller = await ask(both, shop, bearer(token))
    assert isinstance(caller, Caller)
    assert caller.realm == "other"


async def test_a_token_is_good_until_it_expires_and_not_a_second_longer(access: Access, shop: Issuer) -> None:
    token = await token_of(shop)
    shop.later(LIFETIME - 1)
    assert isinstance(await ask(access, shop, bearer(token)), Caller)
    shop.later(1)
    assert refused(await ask(access, shop, bearer(token)))[:2] == (401, "invalid_claims")


@pytest.mark.attack("CVE-2025-46331")
async def test_what_was_proved_is_forgotten_after_a_second(access: Access, shop: Issuer) -> None:
    token = await token_of(shop)
    assert isinstance(await ask(access, shop, bearer(token)), Caller)
    await shop.post("revoke", {"token": token}, basic=("checker", SECRET))
    shop.later(1)
    assert refused(await ask(access, shop, bearer(token)))[:2] == (401, "invalid_claims")
    assert shop.journal.reason == "token.revoked"


@pytest.mark.parametrize(("kind", "id"), [(Client, "checker"), (Realm, "acme")], ids=["client", "realm"])
async def test_who_is_disabled_is_out(access: Access, shop: Issuer, kind: Any, id: str) -> None:
    token = await token_of(shop)
    assert isinstance(await ask(access, shop, bearer(token)), Caller)
    await shop.change(kind, id, enabled=False)
    shop.later(1)
    assert refused(await ask(access, shop, bearer(token)))[:2] == (401, "invalid_claims")


@pytest.mark.spec("RFC 9449 section 7.1")
async def test_a_bound_token_wants_its_proof_each_time(access: Access, shop: Issuer) -> None:
    sender = Sender()
    asking = dpop(sender.proof("POST", f"{shop.url}/token", shop.now))
    token = await token_of(shop, headers=[asking])
    assert refused(await ask(access, shop, bearer(token)))[:2] == (401, "invalid_claims")
    assert refused(await ask(access, shop, bearer(token, "DPoP")))[:2] == (401, "unauthenticated")
    proof = dpop(sender.proof("POST", f"{BASE}{CHECK}", shop.now, token=token))
    assert isinstance(await ask(access, shop, bearer(token, "DPoP"), proof), Caller)
    assert refused(await ask(access, shop, bearer(token, "DPoP"), proof))[:2] == (401, "unauthenticated")
    assert refused(await ask(access, shop, bearer(token)))[:2] == (401, "invalid_claims")
    stolen = dpop(Sender().proof("POST", f"{BASE}{CHECK}", shop.now, token=token))
    assert refused(await ask(access, shop, bearer(token, "DPoP"), stolen))[0] == 401


@pytest.mark.spec("RFC 8705 section 3")
async def test_a_token_bound_to_a_certificate_wants_it(access: Access, shop: Issuer) -> None:
    own, other = holder("bound"), holder("other")
    answer = await shop.post(
        "token",
        {"grant_type": "client_credentials", "resource": AUDIENCE},
        basic=("bound", SECRET),
        certificate=own.der,
    )
    token = answer.json["access_token"]
    assert isinstance(await ask(access, shop, bearer(token), client_certificate=own.der), Caller)
    assert refused(await ask(access, shop, bearer(token)))[:2] == (401, "invalid_claims")
    assert refused(await ask(access, shop, bearer(token), client_certificate=other.der))[:2] == (401, "invalid_claims")


async def test_one_token_in_one_place(access: Access, shop: Issuer) -> None:
    token = await token_of(shop)
    assert isinstance(await ask(access, shop, bearer(token)), Caller)
    assert refused(await ask(access, shop, bearer(token), bearer(token)))[:2] == (400, "validation_error")
    query = Request("GET", CHECK, f"access_token={token}".encode(), (bearer(token),), b"", shop.now, new_trace())
    assert refused(await access.authorize(query, AUTHZ_READ))[:2] == (400, "validation_error")


@pytest.mark.parametrize("junk", ["", "x", "a.b.c", "ksa_AAAA", "é", "ksa_" + "A" * 20_000], ids=range(6))
async def test_no_text_is_more_than_a_refusal(access: Access, shop: Issuer, junk: str) -> None:
    outcome = await ask(access, shop, (b"authorization", f"Bearer {junk}".encode()))
    assert refused(outcome)[0] == 401


@pytest.mark.attack("C4")
async def test_on_behalf_of_a_person_the_scopes_need_a_role(shop: Issuer) -> None:
    await shop.keep(confidential("console", scope="openid authz:read authz:write", access_token_format="jwt"))
    scopes = ("openid", "authz:read", "authz:write")
    given: dict[tuple[str, ...], str] = {}
    for roles in ((), ("authz-viewer",), ("authz-editor",)):
        person = Account(realm="acme", id=f"usr_{len(given)}", username=f"name{len(given)}", roles=roles)
        account, session = await shop.signed_in(person)
        await shop.consent(account, "console", scopes)
        code = await shop.code(account, session, client="console", scopes=scopes)
        answer = await shop.redeem(code, client="console", resource=AUDIENCE)
        given[roles] = answer.json.get("scope", answer.error)
    assert given == {
        (): "invalid_target",
        ("authz-viewer",): "authz:read",
        ("authz-editor",): "authz:read authz:write",
    }


@pytest.mark.spec("RFC 8707 section 2")
@pytest.mark.parametrize("client", ["checker", "opaque"])
async def test_a_token_for_one_store_opens_that_store_alone(shop: Issuer, client: str) -> None:
    mine, other = CHECK.split("/")[3], "01HVMMBCMGZNT3SED4Z17ECXCB"
    token = await token_of(shop, client, resource=f"{AUDIENCE}/stores/{mine}", scope="authz:read")
    for default in (mine, other, ""):
        access = Access(shop.cx, ("acme",), default)
        opened = {}
        for path in (
            f"/authz/stores/{mine}",
            CHECK,
            f"{CHECK}/authz/stores/{other}",
            f"/authz/stores/{other}/check",
            f"/authz/stores/{other}/check/authz/stores/{mine}",
            "/authz/stores",
            "/access/v1/evaluation",
            f"/authz/stores/{mine}/access/v1/evaluation",
            f"/authz/stores/{other}/access/v1/evaluation",
        ):
            for _ in range(2):
                request = Request("POST", path, b"", (bearer(token),), b"", shop.now, new_trace())
                opened[path] = isinstance(await access.authorize(request, AUTHZ_READ), Caller)
        assert [path for path, is_open in opened.items() if is_open] == [
            f"/authz/stores/{mine}",
            CHECK,
            f"{CHECK}/authz/stores/{other}",
            *(["/access/v1/evaluation"] if default == mine else []),
            f"/authz/stores/{mine}/access/v1/evaluation",
        ]
    for resource in (f"{AUDIENCE}/stores/shop", f"{AUDIENCE}/stores/", f"https://x.test/authz/stores/{mine}"):
        refusal = await shop.token("client_credentials", client=client, resource=resource)
        assert (refusal.status, refusal.error) == (400, "invalid_target")


async def test_a_verified_token_costs_no_more_reads_within_its_second(access: Access, shop: Issuer) -> None:
    token = await token_of(shop)
    caller = await ask(access, shop, bearer(token))
    await shop.store.close()
    assert await ask(access, shop, bearer(token)) is caller


async def test_memory_is_bounded(access: Access, shop: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keystead.api.access._REMEMBERED", 3)
    for _ in range(5):
        assert isinstance(await ask(access, shop, bearer(await token_of(shop))), Caller)
    assert len(access._proved) == 3


async def test_the_audience_parameter_means_the_resource(access: Access, shop: Issuer) -> None:
    token = await token_of(shop, resource=(), audience=AUDIENCE)
    assert isinstance(await ask(access, shop, bearer(token)), Caller)
    unknown = await shop.token("client_credentials", client="checker", audience="https://nowhere.test")
    assert (unknown.status, unknown.error) == (400, "invalid_target")
    both = await shop.token("client_credentials", client="checker", audience=AUDIENCE, resource="https://catalog.test")
    assert (both.status, both.error) == (400, "invalid_target")
