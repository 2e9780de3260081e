"""The Basic OP plan of the OpenID Foundation's conformance suite, module by module, under the modules' own names.

Each test does what the module of that name does, and fails where the module would fail or warn.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from keystead.core.jose import jws
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import VerifiedToken
from keystead.core.person_claims import SCOPE_CLAIMS
from keystead.core.records.client import Client
from tests.issuer import SECRET, VERIFIER, Issuer, challenge
from tests.relying_party import CALLBACK, RelyingParty, somebody, suite_client

pytestmark = pytest.mark.spec("OpenID Connect Core 1.0 section 15.1")


@pytest.fixture
async def suite(issuer: Issuer) -> RelyingParty:
    """A realm with the suite's clients and one person."""
    await issuer.set_up(
        suite_client(),
        suite_client("second"),
        suite_client("dynamic", self_registered=True, skip_consent=False),
        somebody(),
        further_signing_algorithms=("RS256",),
    )
    return RelyingParty(issuer)


async def algorithm_of(token: str) -> str:
    """Return what a token is signed with."""
    header = jws.peek_header_unverified(token)
    assert header is not None
    return header.algorithm


async def test_oidcc_server(suite: RelyingParty) -> None:
    tokens, claims = await suite.flow()
    assert (await suite.userinfo(tokens["access_token"])).json["sub"] == claims["sub"]


async def test_oidcc_response_type_missing(suite: RelyingParty) -> None:
    page = await suite.ask(response_type=None)
    answer = suite.answer_on(page)
    assert answer["error"] in ("invalid_request", "unsupported_response_type")
    assert answer["state"] == "a-state"
    assert "code" not in answer


async def test_oidcc_idtoken_signature(suite: RelyingParty) -> None:
    """A client that registered no algorithm gets RS256."""
    party = RelyingParty(suite.issuer, "dynamic")
    tokens, _ = await party.flow()
    assert await algorithm_of(tokens["id_token"]) == "RS256"


async def test_oidcc_idtoken_rs256(suite: RelyingParty) -> None:
    await suite.issuer.change(Client, "suite", id_token_signed_response_alg="RS256")
    tokens, _ = await suite.flow()
    assert await algorithm_of(tokens["id_token"]) == "RS256"


async def test_oidcc_idtoken_unsigned(suite: RelyingParty) -> None:
    """The module skips itself: no algorithm `none` is offered."""
    assert "none" not in (await suite.metadata())["id_token_signing_alg_values_supported"]


async def test_oidcc_userinfo_get(suite: RelyingParty) -> None:
    tokens, claims = await suite.flow()
    answer = await suite.userinfo(tokens["access_token"])
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json["sub"] == claims["sub"]


async def test_oidcc_userinfo_post_header(suite: RelyingParty) -> None:
    tokens, claims = await suite.flow()
    bearer = [(b"authorization", b"Bearer " + tokens["access_token"].encode())]
    answer = await suite.issuer.send("userinfo", method="POST", headers=bearer)
    assert (answer.status, answer.json["sub"]) == (200, claims["sub"])


async def test_oidcc_userinfo_post_body(suite: RelyingParty) -> None:
    tokens, claims = await suite.flow()
    answer = await suite.issuer.post("userinfo", {"access_token": tokens["access_token"]})
    assert (answer.status, answer.json["sub"]) == (200, claims["sub"])


async def test_oidcc_userinfo_rs256(suite: RelyingParty) -> None:
    await suite.issuer.change(Client, "suite", userinfo_signed_response_alg="RS256")
    assert "RS256" in (await suite.metadata())["userinfo_signing_alg_values_supported"]
    tokens, claims = await suite.flow()
    answer = await suite.userinfo(tokens["access_token"])
    assert answer.headers["content-type"] == "application/jwt"
    read = jws.read(answer.body.decode(), keys=KeySet.from_jwks({"keys": await suite.keys()}), typ=("jwt",))
    assert isinstance(read, VerifiedToken)
    assert read.header.algorithm == "RS256"
    assert (read.claims["iss"], read.claims["aud"]) == (suite.issuer.url, "suite")
    assert read.claims["sub"] == claims["sub"]
    assert "nonce" not in read.claims


async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(suite: RelyingParty) -> None:
    _, claims = await suite.flow(nonce=None)
    assert "nonce" not in claims


@pytest.mark.parametrize("scope", ["profile", "email", "address", "phone", "email phone address profile"])
async def test_oidcc_scope(suite: RelyingParty, scope: str) -> None:
    """oidcc-scope-profile, -email, -address, -phone and -all."""
    assert set(scope.split()) <= set((await suite.metadata())["scopes_supported"])
    tokens, claims = await suite.flow(scope=f"openid {scope}")
    answer = (await suite.userinfo(tokens["access_token"])).json
    wanted = {name for one in scope.split() for name in SCOPE_CLAIMS[one]}
    assert wanted <= answer.keys()
    assert set(answer) - wanted == {"sub"}
    assert answer["sub"] == claims["sub"]
    assert type(answer.get("updated_at", 1)) is int


async def test_oidcc_alternate_happy_flow(suite: RelyingParty) -> None:
    """Neither the order of the scopes nor that of the parameters matters."""
    parameters = list(reversed(suite.request(scope="email openid").items()))
    page = await suite.finish(await suite.browser.get(f"{suite.issuer.url}/authorize?{urlencode(parameters)}"))
    tokens = (await suite.redeem(suite.answer_on(page)["code"])).json
    answer = (await suite.userinfo(tokens["access_token"])).json
    assert set(answer) == {"sub", "email", "email_verified"}


@pytest.mark.parametrize(
    "parameters",
    [
        {"display": "page"},
        {"display": "popup"},
        {"login_hint": "alice"},
        {"ui_locales": "se"},
        {"claims_locales": "se"},
        {"extra": "foobar"},
    ],
    ids=lambda one: next(iter(one)),
)
async def test_oidcc_parameters_that_must_not_hurt(suite: RelyingParty, parameters: dict[str, str]) -> None:
    """oidcc-display-page, -popup, -login-hint, -ui-locales, -claims-locales, -request-with-unknown-parameter."""
    await suite.flow(**parameters)


async def test_oidcc_prompt_login(suite: RelyingParty) -> None:
    _, first = await suite.flow()
    suite.issuer.later(2)
    page = await suite.ask(prompt="login")
    assert page.has("login-submit"), "the person has to sign in again"
    tokens = (await suite.redeem(suite.answer_on(await suite.finish(page))["code"])).json
    second = await suite.id_token(tokens, suite.request())
    assert second["sub"] == first["sub"]
    assert second["auth_time"] > first["auth_time"]


async def test_oidcc_prompt_none_not_logged_in(suite: RelyingParty) -> None:
    answer = suite.answer_on(await suite.ask(prompt="none"))
    assert answer["error"] in ("login_required", "interaction_required")
    assert answer["state"] == "a-state"


async def test_oidcc_prompt_none_logged_in(suite: RelyingParty) -> None:
    _, first = await suite.flow()
    page = await suite.ask(prompt="none")
    tokens = (await suite.redeem(suite.answer_on(page)["code"])).json
    second = await suite.id_token(tokens, suite.request())
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


async def test_oidcc_max_age_1(suite: RelyingParty) -> None:
    _, first = await suite.flow()
    suite.issuer.later(2)
    page = await suite.ask(max_age="1")
    assert page.has("login-submit")
    tokens = (await suite.redeem(suite.answer_on(await suite.finish(page))["code"])).json
    second = await suite.id_token(tokens, suite.request())
    assert first["auth_time"] < second["auth_time"] <= suite.issuer.now


async def test_oidcc_max_age_10000(suite: RelyingParty) -> None:
    _, first = await suite.flow()
    suite.issuer.later(2)
    page = await suite.ask(max_age="10000")
    tokens = (await suite.redeem(suite.answer_on(page)["code"])).json
    second = await suite.id_token(tokens, suite.request())
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


async def test_oidcc_id_token_hint(suite: RelyingParty) -> None:
    tokens, first = await suite.flow()
    page = await suite.ask(prompt="none", id_token_hint=tokens["id_token"])
    again = (await suite.redeem(suite.answer_on(page)["code"])).json
    assert (await suite.id_token(again, suite.request()))["sub"] == first["sub"]


async def test_oidcc_ensure_request_with_acr_values_succeeds(suite: RelyingParty) -> None:
    """The module asks for every value discovery offers, and warns unless it gets one of them."""
    offered = (await suite.metadata())["acr_values_supported"]
    _, claims = await suite.flow(acr_values=" ".join(offered))
    assert claims["acr"] in offered


async def test_the_realms_own_acr_names_are_offered_asked_for_and_told(issuer: Issuer) -> None:
    await issuer.set_up(suite_client(), somebody(), acr_names={"1": "urn:example:loa:low"})
    party = RelyingParty(issuer)
    assert (await party.metadata())["acr_values_supported"] == ["urn:example:loa:low", "2"]
    tokens, claims = await party.flow(acr_values="urn:example:loa:low")
    assert claims["acr"] == "urn:example:loa:low"
    told = await issuer.post("introspect", {"token": tokens["access_token"]}, basic=("suite", SECRET))
    assert told.json["acr"] == "urn:example:loa:low"


@pytest.mark.parametrize("seconds", [0, 30])
async def test_oidcc_codereuse(suite: RelyingParty, seconds: int) -> None:
    """oidcc-codereuse and oidcc-codereuse-30seconds: refused, and what the code bought is dead."""
    answer = await suite.sign_in()
    tokens = (await suite.redeem(answer["code"])).json
    suite.issuer.later(seconds)
    again = await suite.redeem(answer["code"])
    assert (again.status, again.error) == (400, "invalid_grant")
    assert again.headers["content-type"].startswith("application/json")
    assert not set("\r\n\t") & set(again.json["error_description"])
    assert 400 <= (await suite.userinfo(tokens["access_token"])).status < 500


async def test_oidcc_ensure_registered_redirect_uri(suite: RelyingParty) -> None:
    page = await suite.ask(redirect_uri=CALLBACK + "/elsewhere")
    assert (page.status, page.location) == (400, "")
    assert "redirect_uri" in page.text


async def test_oidcc_ensure_post_request_succeeds(suite: RelyingParty) -> None:
    page = await suite.browser.post(f"{suite.issuer.url}/authorize", suite.request(), site="cross-site")
    assert "code" in suite.answer_on(await suite.finish(page))


async def test_oidcc_server_client_secret_post(suite: RelyingParty) -> None:
    await suite.issuer.change(Client, "suite", token_endpoint_auth_method="client_secret_post")
    code = (await suite.sign_in())["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    tokens = await suite.issuer.post("token", {**form, "client_id": "suite", "client_secret": SECRET})
    assert tokens.status == 200
    await suite.id_token(tokens.json, suite.request())


async def test_oidcc_unsigned_request_objects(suite: RelyingParty) -> None:
    """The modules about unsigned request objects skip themselves: `none` is not offered for them."""
    assert "none" not in (await suite.metadata())["request_object_signing_alg_values_supported"]


async def test_oidcc_claims_essential(suite: RelyingParty) -> None:
    wanted = json.dumps({"userinfo": {"name": {"essential": True}}})
    tokens, claims = await suite.flow(claims=wanted)
    answer = (await suite.userinfo(tokens["access_token"])).json
    assert answer == {"sub": claims["sub"], "name": "Alice Liddell"}
    assert "name" not in claims


async def test_oidcc_refresh_token(suite: RelyingParty) -> None:
    assert {"refresh_token"} <= set((await suite.metadata())["grant_types_supported"])
    first, before = await suite.flow(scope="openid offline_access", prompt="consent")
    suite.issuer.later(1)
    refreshed = await suite.refresh(first["refresh_token"], scope="openid offline_access")
    assert refreshed.status == 200
    assert "no-store" in refreshed.headers["cache-control"]
    second = refreshed.json
    assert second["access_token"] != first["access_token"]
    assert len(second["refresh_token"]) >= 43
    after = await suite.id_token(second, {})
    assert after["iat"] > before["iat"]
    for name in ("iss", "sub", "aud", "auth_time"):
        assert after[name] == before[name]
    assert ("azp" in after) == ("azp" in before)
    assert (await suite.userinfo(second["access_token"])).status == 200
    thief = RelyingParty(suite.issuer, "second")
    stolen = await thief.refresh(second["refresh_token"])
    assert (stolen.status, stolen.error) == (400, "invalid_grant")


async def test_oidcc_ensure_request_with_valid_pkce_succeeds(suite: RelyingParty) -> None:
    proof: dict[str, str | None] = {"code_challenge": challenge(VERIFIER), "code_challenge_method": "S256"}
    code = (await suite.sign_in(**proof))["code"]
    assert (await suite.redeem(code, code_verifier=VERIFIER)).status == 200


@pytest.mark.spec("OAuth 2.0 Form Post Response Mode section 2")
@pytest.mark.parametrize("parameters", [{}, {"nonce": None}, {"scope": "openid profile email"}, {"prompt": "login"}])
async def test_oidcc_formpost_basic(suite: RelyingParty, parameters: dict[str, Any]) -> None:
    """The form post Basic plan is the same modules with the answer in a form."""
    page = await suite.finish(await suite.ask(response_mode="form_post", **parameters))
    assert page.location == ""
    answer = suite.answer_on(page)
    assert (answer["state"], answer["iss"]) == ("a-state", suite.issuer.url)
    tokens = (await suite.redeem(answer["code"])).json
    await suite.id_token(tokens, suite.request(**parameters))


@pytest.mark.spec("OAuth 2.0 Form Post Response Mode section 2")
async def test_oidcc_formpost_errors(suite: RelyingParty) -> None:
    answer = suite.answer_on(await suite.ask(response_mode="form_post", prompt="none"))
    assert (answer["error"], answer["state"]) == ("login_required", "a-state")
