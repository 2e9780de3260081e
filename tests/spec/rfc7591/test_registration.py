"""Dynamic client registration: who may, what is answered, what is refused and with which error."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.records.client import Client
from keystead.core.records.registration import RegistrationPolicy, StatementIssuer
from keystead.core.values import handle_digest
from keystead.storage.ports import get
from tests.issuer import Issuer
from tests.registrar import INITIAL, REDIRECT, Registrar, open_registrar

KEY = generate("ES256")
JWKS = {"keys": [KEY.public().jwk()]}


@pytest.fixture
async def registrar(issuer: Issuer) -> Registrar:
    """A realm whose operator gave one initial access token out."""
    return await open_registrar(issuer)


async def stored(registrar: Registrar, client_id: str) -> Client:
    issuer = registrar.issuer
    client = await issuer.store.read(get(Client, "acme", client_id, issuer.now))
    assert client is not None
    return client


@pytest.mark.spec("RFC 7591 section 3.2.1")
async def test_a_client_gets_its_credentials_and_every_default(registrar: Registrar) -> None:
    told = await registrar.registered(client_name="Tests")
    assert told["client_id"].startswith("cli_")
    assert told["client_id_issued_at"] == registrar.issuer.now
    assert told["client_secret_expires_at"] == 0
    assert told["client_name"] == "Tests"
    assert told["redirect_uris"] == [REDIRECT]
    assert told["grant_types"] == ["authorization_code"]
    assert told["response_types"] == ["code"]
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["application_type"] == "web"
    assert told["subject_type"] == "public"
    assert told["id_token_signed_response_alg"] == "ES256"
    assert "openid" in told["scope"].split()
    assert told["registration_client_uri"].startswith(registrar.issuer.url + "/register?client_id=")
    assert len(told["client_secret"]) >= 64
    client = await stored(registrar, told["client_id"])
    assert client.client_secret_digests == (handle_digest(told["client_secret"]),)
    assert client.registration_access_token_digest == handle_digest(told["registration_access_token"])
    assert not client.self_registered
    assert client.client_secrets_sealed == ()


@pytest.mark.spec("RFC 7591 section 3")
async def test_a_registered_client_works(registrar: Registrar) -> None:
    for method in ("client_secret_basic", "client_secret_post"):
        told = await registrar.registered(token_endpoint_auth_method=method)
        form = {
            "grant_type": "authorization_code",
            "code": "ksc_wrong",
            "redirect_uri": REDIRECT,
            "code_verifier": "v" * 43,
        }
        basic = (told["client_id"], told["client_secret"])
        post = {"client_id": told["client_id"], "client_secret": told["client_secret"]}
        if method == "client_secret_basic":
            answer = await registrar.issuer.post("token", form, basic=basic)
        else:
            answer = await registrar.issuer.post("token", form | post)
        assert answer.error == "invalid_grant"


@pytest.mark.spec("RFC 7591 section 2")
async def test_who_names_no_method_may_send_its_secret_either_way(registrar: Registrar) -> None:
    told = await registrar.registered()
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    id, secret = told["client_id"], told["client_secret"]
    form = {"grant_type": "authorization_code", "code": "ksc_x", "redirect_uri": REDIRECT, "code_verifier": "v" * 43}
    assert (await registrar.issuer.post("token", form, basic=(id, secret))).error == "invalid_grant"
    posted = form | {"client_id": id, "client_secret": secret}
    assert (await registrar.issuer.post("token", posted)).error == "invalid_grant"
    named = await registrar.registered(token_endpoint_auth_method="client_secret_basic")
    posted = form | {"client_id": named["client_id"], "client_secret": named["client_secret"]}
    assert (await registrar.issuer.post("token", posted)).error == "invalid_client"


@pytest.mark.spec("RFC 7591 section 3")
@pytest.mark.attack("G8")
async def test_nobody_registers_without_leave(registrar: Registrar) -> None:
    for token in (None, "ksi_another", "", INITIAL + "x"):
        answer = await registrar.post({"redirect_uris": [REDIRECT]}, token)
        assert (answer.status, answer.error) == (401, "invalid_token")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.spec("RFC 7591 section 3")
async def test_an_initial_access_token_is_spent(issuer: Issuer) -> None:
    registrar = await open_registrar(issuer, uses=2)
    assert (await registrar.post({"redirect_uris": ["http://app.test/"]})).status == 400, "spends nothing"
    await registrar.registered()
    await registrar.registered()
    assert (await registrar.post({"redirect_uris": [REDIRECT]})).status == 401
    assert issuer.journal.reason == "registration.token"


@pytest.mark.spec("RFC 7591 section 3.2.2")
@pytest.mark.parametrize(
    "uris",
    [
        [],
        ["https://app.test/cb#part"],
        ["https://user@app.test/cb"],
        ["http://app.test/cb"],
        ["javascript:alert(1)"],
        ["data:text/html,x"],
        ["https://*.app.test/cb"],
        ["https:///cb"],
        ["/cb"],
        ["com.example.app:/cb"],
        ["https://app.test/cb", "ftp://app.test/cb"],
    ],
)
async def test_redirect_uris_that_are_refused(registrar: Registrar, uris: list[str]) -> None:
    assert await registrar.refused(redirect_uris=uris) == "invalid_redirect_uri"


@pytest.mark.spec("RFC 8252 section 7")
async def test_apps_may_have_their_own_scheme_or_loopback(registrar: Registrar) -> None:
    uris = ["com.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]/cb"]
    told = await registrar.registered(redirect_uris=uris, application_type="native", token_endpoint_auth_method="none")
    assert told["redirect_uris"] == uris
    assert "client_secret" not in told
    assert "client_secret_expires_at" not in told


@pytest.mark.spec("RFC 7591 section 3.2.2")
@pytest.mark.parametrize(
    "metadata",
    [
        {"redirect_uris": REDIRECT},
        {"grant_types": ["password"]},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["refresh_token"], "response_types": ["code"]},
        {"response_types": ["code", "token"]},
        {"response_types": ["id_token"]},
        {"response_types": []},
        {"token_endpoint_auth_method": "workload"},
        {"token_endpoint_auth_method": "spiffe_jwt"},
        {"token_endpoint_auth_method": "magic"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
        {"jwks": JWKS, "jwks_uri": "https://app.test/jwks"},
        {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
        {"jwks": {"keys": "none"}},
        {"jwks": []},
        {"jwks_uri": "http://app.test/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"logo_uri": "javascript:alert(1)"},
        {"policy_uri": "data:text/html,x"},
        {"tos_uri": "ftp://app.test"},
        {"client_uri": "//app.test"},
        {"client_name": "x" * 256},
        {"client_name": "two\nlines"},
        {"client_name": 7},
        {"contacts": "me"},
        {"application_type": "desktop"},
        {"subject_type": "secret"},
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "RS256"},
        {"userinfo_signed_response_alg": "HS256"},
        {"id_token_encrypted_response_alg": "RSA1_5"},
        {"id_token_encrypted_response_enc": "A128GCM"},
        {"token_endpoint_auth_signing_alg": "HS256"},
        {"default_max_age": -1},
        {"default_max_age": "3600"},
        {"require_auth_time": "true"},
        {"request_uris": ["http://app.test/r"]},
        {"initiate_login_uri": "http://app.test/login"},
        {"backchannel_logout_uri": "http://app.test/out"},
        {"post_logout_redirect_uris": ["javascript:x"]},
        {"tls_client_auth_san_dns": "app.test"},
        {"profile": "fapi3"},
        {"profile": "fapi2_security"},
        {"scope": "admin:everything"},
        {"backchannel_token_delivery_mode": "carrier-pigeon"},
    ],
)
async def test_metadata_that_is_refused(registrar: Registrar, metadata: dict[str, Any]) -> None:
    assert await registrar.refused(**metadata) == "invalid_client_metadata"


@pytest.mark.spec("RFC 7591 section 3.1")
@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b'{"a":1,"a":2}', b"{" * 50, b"\xff{}", b'{"x":NaN}'])
async def test_what_is_no_json_object(registrar: Registrar, body: bytes) -> None:
    answer = await registrar.post(body)
    assert (answer.status, answer.error) == (400, "invalid_client_metadata")


async def test_a_form_is_refused(registrar: Registrar) -> None:
    headers = [(b"authorization", b"Bearer " + INITIAL.encode())]
    answer = await registrar.issuer.post("register", {"redirect_uris": REDIRECT}, headers=headers)
    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.spec("RFC 7591 section 2")
async def test_unknown_members_and_null_are_ignored(registrar: Registrar) -> None:
    told = await registrar.registered(unheard_of=[1], **{"client_name#de": "Prüfung"}, logo_uri=None)
    assert "unheard_of" not in told
    assert "logo_uri" not in told


@pytest.mark.attack("G8")
async def test_no_member_of_ours_can_be_assigned(registrar: Registrar) -> None:
    wanted = {
        "client_id": "shop",
        "id": "shop",
        "realm": "other",
        "enabled": False,
        "skip_consent": True,
        "workload": "gateway",
        "access_token_format": "jwt",
        "self_registered": False,
        "client_secret": "chosen-by-me-chosen-by-me-chosen-by-me",
        "client_secret_digests": ["0" * 64],
        "managed_by": "configuration",
        "version": 7,
        "spiffe_id": "spiffe://example.org/admin",
        "client_attesters": ["me"],
        "registration_policy": {"scope": "admin"},
        "expires_at": 1,
    }
    told = await registrar.registered(**wanted)
    client = await stored(registrar, told["client_id"])
    assert told["client_id"] != "shop"
    assert (client.enabled, client.skip_consent, client.workload, client.access_token_format) == (
        True,
        False,
        "",
        "opaque",
    )
    assert (client.managed_by, client.spiffe_id, client.client_attesters) == ("registration", "", ())
    assert client.client_secret_digests == (handle_digest(told["client_secret"]),)
    assert client.registration_policy is None


@pytest.mark.spec("RFC 7591 section 2")
async def test_scope_is_narrowed_to_what_the_policy_admits(issuer: Issuer) -> None:
    registrar = await open_registrar(issuer, policy=RegistrationPolicy(scope="openid catalog:read"))
    assert (await registrar.registered())["scope"] == "openid catalog:read"
    assert (await registrar.registered(scope="catalog:read admin"))["scope"] == "catalog:read"
    assert await registrar.refused(scope="admin") == "invalid_client_metadata"


@pytest.mark.attack("G8")
async def test_the_policy_bounds_hosts_grants_methods_and_profile(issuer: Issuer) -> None:
    policy = RegistrationPolicy(
        redirect_hosts=("app.test", "*.apps.test"),
        grant_types=("authorization_code",),
        token_endpoint_auth_methods=("private_key_jwt",),
        profile="oauth21",
    )
    registrar = await open_registrar(issuer, policy=policy)
    signed = {"token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS}
    told = await registrar.registered(redirect_uris=[REDIRECT, "https://a.apps.test/cb"], **signed)
    assert told["profile"] == "oauth21"
    for uri in ("https://evil.test/cb", "https://apps.test/cb", "https://xapps.test/cb", "https://app.test.evil.test/"):
        assert await registrar.refused(redirect_uris=[uri], **signed) == "invalid_redirect_uri"
    assert await registrar.refused() == "invalid_client_metadata", "not with a secret"
    grants = ["authorization_code", "refresh_token"]
    assert await registrar.refused(grant_types=grants, **signed) == "invalid_client_metadata"


async def test_a_profile_is_kept_to_at_registration(registrar: Registrar) -> None:
    signed = {"token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS, "profile": "fapi2_security"}
    assert (await registrar.registered(**signed))["profile"] == "fapi2_security"
    loopback = {"redirect_uris": ["http://localhost/cb"], "application_type": "native"}
    assert await registrar.refused(**signed, **loopback) == "invalid_redirect_uri"


@pytest.mark.spec("OpenID Connect Dynamic Client Registration 1.0 section 2")
async def test_what_an_id_token_is_signed_with_follows_from_realm_and_profile(issuer: Issuer) -> None:
    registrar = await open_registrar(issuer, further_signing_algorithms=("RS256",))
    assert (await registrar.registered())["id_token_signed_response_alg"] == "RS256"
    signed = {"token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS, "profile": "fapi2_security"}
    assert (await registrar.registered(**signed))["id_token_signed_response_alg"] == "ES256"
    assert await registrar.refused(**signed, id_token_signed_response_alg="RS256") == "invalid_client_metadata"


@pytest.mark.spec("RFC 7591 section 5")
async def test_open_registration_marks_its_clients_and_is_bounded(issuer: Issuer) -> None:
    registrar = await open_registrar(issuer, open=True, per_hour=3, maximum_clients=5)
    for _ in range(3):
        answer = await registrar.post({"redirect_uris": [REDIRECT]}, None)
        assert answer.status == 201
        assert (await stored(registrar, answer.json["client_id"])).self_registered
    limited = await registrar.post({"redirect_uris": [REDIRECT]}, None)
    assert (limited.status, limited.error) == (503, "temporarily_unavailable")
    await registrar.registered()
    issuer.later(3600)
    assert (await registrar.post({"redirect_uris": [REDIRECT]}, None)).status == 201
    assert (await registrar.post({"redirect_uris": [REDIRECT]}, None)).status == 503, "the realm is full"
    assert issuer.journal.reason == "registration.full"


async def test_a_wrong_token_is_not_open_registration(issuer: Issuer) -> None:
    registrar = await open_registrar(issuer, open=True)
    assert (await registrar.post({"redirect_uris": [REDIRECT]}, "ksi_wrong")).status == 401


@pytest.mark.spec("RFC 7591 section 3.2.1")
async def test_secrets_may_end_and_are_sealed_where_they_are_used(issuer: Issuer) -> None:
    registrar = await open_registrar(issuer, client_secret_lifetime=600)
    told = await registrar.registered(token_endpoint_auth_method="client_secret_jwt")
    assert told["client_secret_expires_at"] == issuer.now + 600
    assert len((await stored(registrar, told["client_id"])).client_secrets_sealed) == 1


@pytest.mark.spec("RFC 7591 section 2.3")
async def test_a_software_statement_outweighs_the_request(issuer: Issuer) -> None:
    publisher = StatementIssuer(issuer="https://store.test", jwks=JWKS, software_ids=("notes",))
    policy = RegistrationPolicy(software_statement_required=True)
    registrar = await open_registrar(issuer, policy=policy, statement_issuers=(publisher,))

    def statement(key: Any = KEY, **claims: Any) -> str:
        good = {"iss": "https://store.test", "software_id": "notes", "client_name": "Notes", "iat": issuer.now}
        return jws.sign(good | claims, key, "JWT")

    told = await registrar.registered(software_statement=statement(), client_name="Evil")
    assert (told["client_name"], told["software_id"]) == ("Notes", "notes")
    assert await registrar.refused() == "invalid_software_statement"
    assert await registrar.refused(software_statement=statement(generate("ES256"))) == "invalid_software_statement"
    assert await registrar.refused(software_statement=statement(iss="https://o.test")) == "invalid_software_statement"
    assert await registrar.refused(software_statement=statement(exp=issuer.now)) == "invalid_software_statement"
    assert await registrar.refused(software_statement="x.y.z") == "invalid_software_statement"
    assert await registrar.refused(software_statement=statement(software_id="o")) == "unapproved_software_statement"


@pytest.mark.spec("RFC 8414 section 2")
async def test_discovery_names_the_endpoint(registrar: Registrar) -> None:
    document = (await registrar.issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["registration_endpoint"] == registrar.issuer.url + "/register"
