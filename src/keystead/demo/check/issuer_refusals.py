"""What the issuer must refuse."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

import httpx2

from keystead.demo.check.person import NAVIGATION
from keystead.demo.check.report import Step
from keystead.demo.check.world import World, expect
from keystead.demo.configuration import TOKEN_EXCHANGE
from keystead.demo.places import audience

ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type


def issuer_refusals(world: World) -> list[Step]:
    """Return what the issuer must refuse."""
    part = "Refused by the issuer"
    return [
        Step(part, "an authorization request without PKCE", lambda: _without_pkce(world)),
        Step(part, "a redirect URI one character off", lambda: _redirect_uri(world)),
        Step(part, "a code with the wrong verifier", lambda: _wrong_verifier(world)),
        Step(part, "a replayed code, and what it had bought", lambda: _replayed_code(world)),
        Step(part, "a reused refresh token, and its whole family", lambda: _reused_refresh_token(world)),
        Step(part, "a wrong client secret", lambda: _wrong_secret(world)),
        Step(part, "the password grant, naming what to use instead", lambda: _password_grant(world)),
        Step(part, "the implicit response type, likewise", lambda: _implicit(world)),
        Step(part, "an exchange for an audience not open to the actor", lambda: _exchange_audience(world)),
        Step(part, "an exchange of somebody else's token", lambda: _exchange_foreign(world)),
    ]


def _without_pkce(world: World) -> str:
    person = world.person("alice")
    person.visit(
        world.authorization_request("x" * 50, scope="orders:read", code_challenge="", code_challenge_method=""),
        until=world.client.redirect_uri,
    )
    answer = parse_qs(urlsplit(person.url).query)
    assert answer.get("error") == ["invalid_request"], person.url
    assert answer.get("iss") == [world.places.issuer], person.url
    return "invalid_request, with iss"


def _redirect_uri(world: World) -> str:
    url = world.authorization_request("x" * 50, redirect_uri=world.client.redirect_uri + "x")
    answer = world.person("alice").request("GET", url, headers=NAVIGATION)
    assert "location" not in answer.headers, answer.headers
    return expect(answer, 400)


def _wrong_verifier(world: World) -> str:
    verifier = secrets.token_urlsafe(48)
    return expect(world.redeem(world.code("alice", verifier), "y" * 50), 400, says="invalid_grant")


def _replayed_code(world: World) -> str:
    verifier = secrets.token_urlsafe(48)
    code = world.code("alice", verifier)
    first = world.redeem(code, verifier)
    expect(first, 200)
    expect(world.redeem(code, verifier), 400, says="invalid_grant")
    active = world.post("introspection_endpoint", token=first.json()["access_token"]).json()["active"]
    assert active is False, "what the code had bought is still active"
    return "invalid_grant; its token is inactive"


def _reused_refresh_token(world: World) -> str:
    first = world.tokens("alice")["refresh_token"]
    second = _refresh(world, first)
    third = _refresh(world, second)
    expect(world.token_endpoint(grant_type="refresh_token", refresh_token=first), 400, says="invalid_grant")
    return expect(world.token_endpoint(grant_type="refresh_token", refresh_token=third), 400, says="invalid_grant")


def _refresh(world: World, token: str) -> str:
    answer = world.token_endpoint(grant_type="refresh_token", refresh_token=token)
    expect(answer, 200)
    return str(answer.json()["refresh_token"])


def _wrong_secret(world: World) -> str:
    answer = world.http.post(
        world.metadata["token_endpoint"],
        data={"grant_type": "client_credentials"},
        auth=(world.client.client_id, "not-the-secret"),
    )
    return expect(answer, 401, says="invalid_client")


def _password_grant(world: World) -> str:
    answer = world.token_endpoint(grant_type="password", username="alice", password="x")  # noqa: S106 - refused unread
    return expect(answer, 400, says="authorization_code")


def _implicit(world: World) -> str:
    person = world.person("alice")
    person.visit(world.authorization_request("x" * 50, response_type="token"), until=world.client.redirect_uri)
    answer = parse_qs(urlsplit(person.url).query)
    assert answer.get("error") == ["unsupported_response_type"], person.url
    return answer["error_description"][0]


def _exchange_audience(world: World) -> str:
    token = world.tokens("alice")["access_token"]
    return expect(_exchange(world, token, audience("inventory")), 400, says="invalid_target")


def _exchange(world: World, token: str, target: str) -> httpx2.Response:
    return world.token_endpoint(
        grant_type=TOKEN_EXCHANGE, subject_token=token, subject_token_type=ACCESS_TOKEN_TYPE, audience=target
    )


def _exchange_foreign(world: World) -> str:
    forged = "ksa_" + secrets.token_urlsafe(200)
    return expect(_exchange(world, forged, audience("orders")), 400)
