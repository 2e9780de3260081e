"""The client credentials grant."""

from __future__ import annotations

import pytest

from keystead.core.jose import jws
from keystead.core.jose.outcomes import VerifiedToken
from keystead.core.records.api import Api
from keystead.core.records.workload import Workload
from tests.issuer import SECRET, Issuer, confidential

CATALOG = "https://catalog.test"
ORDERS = "https://orders.test"


@pytest.fixture
async def started(issuer: Issuer) -> Issuer:
    """An issuer with two APIs and clients of both token formats."""
    cc = ("client_credentials",)
    await issuer.set_up(
        Api(realm="acme", id=CATALOG, scopes=("catalog:read", "catalog:write")),
        Api(realm="acme", id=ORDERS, scopes=("orders:read",)),
        confidential("opaque", grant_types=cc, scope="openid catalog:read orders:read"),
        confidential("jwt", grant_types=cc, scope="catalog:read orders:read", access_token_format="jwt"),
        confidential("web"),
        confidential("spa", grant_types=cc, scope="catalog:read", token_endpoint_auth_method="none"),
        Workload(realm="acme", id="orders", scope="catalog:read", audiences=("https://bus.test",)),
        Api(realm="acme", id="https://bus.test"),
    )
    return issuer


@pytest.mark.spec("RFC 6749 section 4.4")
@pytest.mark.spec("RFC 6749 section 4.4.3")
@pytest.mark.spec("RFC 6749 section 5.1")
async def test_a_client_gets_a_token_for_itself_and_no_refresh_token(started: Issuer) -> None:
    answer = await started.token("client_credentials", client="opaque")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json
    assert document["access_token"].startswith("ksa_")
    assert document["token_type"] == "Bearer"
    assert document["expires_in"] == 300
    assert document["scope"] == "catalog:read orders:read"
    assert set(document) == {"access_token", "token_type", "expires_in", "scope"}


@pytest.mark.spec("RFC 9068 section 2.2")
async def test_a_jwt_client_gets_a_jwt_for_one_api(started: Issuer) -> None:
    answer = await started.token("client_credentials", client="jwt", resource=CATALOG)
    assert answer.status == 200, answer.body
    keys = await started.cx.keys.key_set("acme", started.now)
    token = jws.read(answer.json["access_token"], keys=keys, typ={"at+jwt"})
    assert isinstance(token, VerifiedToken)
    jti = token.claims.pop("jti")
    assert len(jti) >= 22
    assert token.claims == {
        "iss": started.url,
        "sub": "jwt",
        "aud": CATALOG,
        "client_id": "jwt",
        "exp": started.now + 300,
        "iat": started.now,
        "scope": "catalog:read",
    }


@pytest.mark.spec("RFC 8707 section 2.2")
async def test_a_jwt_for_several_apis_is_refused(started: Issuer) -> None:
    answer = await started.token("client_credentials", client="jwt")
    assert (answer.status, answer.error) == (400, "invalid_target")
    assert "name one resource" in answer.json["error_description"]


@pytest.mark.spec("RFC 6749 section 3.3")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "catalog:write"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "catalog:read  orders:read"}, "invalid_scope"),
        ({"scope": "unheard-of"}, "invalid_scope"),
        ({"resource": "https://nowhere.test"}, "invalid_target"),
        ({"resource": ORDERS, "scope": "catalog:read"}, "invalid_target"),
    ],
)
async def test_nothing_beyond_the_client_is_given(started: Issuer, form: dict[str, str], error: str) -> None:
    answer = await started.token("client_credentials", client="opaque", **form)
    assert (answer.status, answer.error) == (400, error)


@pytest.mark.spec("RFC 6749 section 4.4.2")
async def test_a_public_client_has_nothing_of_its_own(started: Issuer) -> None:
    answer = await started.post("token", {"grant_type": "client_credentials", "client_id": "spa"})
    assert (answer.status, answer.error) == (400, "unauthorized_client")


@pytest.mark.spec("RFC 6749 section 5.2")
async def test_a_grant_that_is_not_registered_is_refused(started: Issuer) -> None:
    answer = await started.token("client_credentials", client="web")
    assert (answer.status, answer.error) == (400, "unauthorized_client")


@pytest.mark.spec("RFC 9700 section 2.4")
@pytest.mark.parametrize("grant", ["password", "implicit"])
async def test_retired_grants_are_refused_with_the_alternative(started: Issuer, grant: str) -> None:
    answer = await started.token(grant, username="alice", password="x")
    assert (answer.status, answer.error) == (400, "unsupported_grant_type")
    assert "authorization_code with PKCE" in answer.json["error_description"]


async def test_a_workload_is_its_own_client(started: Issuer) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:keystead:params:oauth:client-assertion-type:workload",
        "client_assertion": "workload:orders",
        "resource": "https://bus.test",
    }
    answer = await started.post("token", form)
    assert answer.status == 200, answer.body
    keys = await started.cx.keys.key_set("acme", started.now)
    token = jws.read(answer.json["access_token"], keys=keys, typ={"at+jwt"})
    assert isinstance(token, VerifiedToken)
    assert (token.claims["sub"], token.claims["client_id"], token.claims["aud"]) == (
        "orders",
        "orders",
        "https://bus.test",
    )
    await started.change(Workload, "orders", enabled=False)
    assert (await started.post("token", form)).error == "invalid_client"


async def test_the_decision_says_what_was_checked_and_never_a_secret(started: Issuer) -> None:
    answer = await started.token("client_credentials", client="opaque", scope="catalog:read")
    decision = started.journal.decisions[-1]
    assert (decision.action, decision.allowed, decision.reason) == ("token.issue", True, "token.issued")
    assert decision.issued is not None
    assert decision.issued.audience == (CATALOG,)
    assert {check.name for check in decision.checks} >= {
        "client_authentication",
        "grant_type",
        "scope",
        "authority_now",
    }
    assert answer.json["access_token"] not in repr(decision)
    assert SECRET not in repr(decision)


@pytest.mark.spec("RFC 9700 section 4.15")
async def test_a_clients_own_token_never_looks_like_a_persons(started: Issuer) -> None:
    """Its subject is the client's name, which may not begin like a person's, and nothing of a person is in it."""
    answer = await started.token("client_credentials", client="opaque")
    told = (await started.post("introspect", {"token": answer.json["access_token"]}, basic=("opaque", SECRET))).json
    assert told["sub"] == told["client_id"] == "opaque"
    assert not {"sid", "gid", "acr", "amr", "auth_time", "roles", "act"} & set(told)
