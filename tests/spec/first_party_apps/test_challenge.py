"""The authorization challenge endpoint: the operator's own application, without a browser."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.consent import Consent, consent_id
from keystead.core.records.realm import Realm
from tests.dpop import Sender, dpop
from tests.issuer import VERIFIER, Answer, Issuer, challenge, confidential
from tests.shop import PASSWORD, browser_for, open_shop

GOOD = {"username": "alice", "password": PASSWORD}


class App:
    """A native application of the operator's own."""

    def __init__(self, issuer: Issuer, client: str = "app") -> None:
        self.issuer = issuer
        self.client = client

    async def ask(self, **form: Any) -> Answer:
        """Send one step."""
        return await self.issuer.post("authorization_challenge", {"client_id": self.client, **form})

    async def begin(self, **form: Any) -> Answer:
        """Send the first step."""
        request = {
            "response_type": "code",
            "scope": "openid catalog:read",
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
            **form,
        }
        return await self.ask(**{name: value for name, value in request.items() if value is not None})

    async def session(self) -> str:
        """Begin, and return the auth_session."""
        answer = await self.begin()
        assert (answer.status, answer.error) == (400, "insufficient_authorization"), answer.body
        return str(answer.json["auth_session"])

    async def redeem(self, code: str, **form: Any) -> Answer:
        """Redeem a code."""
        fields = {"grant_type": "authorization_code", "client_id": self.client, "code": code, "code_verifier": VERIFIER}
        return await self.issuer.post("token", {**fields, **form})


@pytest.fixture
async def app(issuer: Issuer) -> App:
    """The operator's own application."""
    await open_shop(issuer)
    usual: dict[str, Any] = {
        "token_endpoint_auth_method": "none",
        "client_secret_digests": (),
        "redirect_uris": ("com.acme.app:/done",),
        "skip_consent": True,
        "first_party": True,
        "scope": "openid profile catalog:read",
    }
    await issuer.keep(confidential("app", **usual), confidential("app2", **usual))
    return App(issuer)


@pytest.mark.spec("draft-ietf-oauth-first-party-apps section 5.2")
@pytest.mark.spec("draft-ietf-oauth-first-party-apps section 5.3")
async def test_the_whole_way(app: App) -> None:
    session = await app.session()
    wrong = await app.ask(auth_session=session, username="alice", password="wrong")
    assert (wrong.status, wrong.error, wrong.json["auth_session"]) == (400, "insufficient_authorization", session)
    answer = await app.ask(auth_session=session, **GOOD)
    assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    tokens = await app.redeem(answer.json["authorization_code"])
    assert tokens.status == 200, tokens.body
    assert tokens.json["scope"] == "openid catalog:read"
    assert tokens.json["refresh_token"]
    assert tokens.json["id_token"]
    assert (await app.redeem(answer.json["authorization_code"])).error == "invalid_grant"


@pytest.mark.spec("draft-ietf-oauth-first-party-apps section 5.1")
async def test_everything_in_one_request(app: App) -> None:
    answer = await app.begin(**GOOD)
    assert answer.status == 200, answer.body
    assert (await app.redeem(answer.json["authorization_code"], redirect_uri="com.acme.app:/done")).error


@pytest.mark.spec("draft-ietf-oauth-first-party-apps section 8")
async def test_discovery(app: App) -> None:
    document = (await app.issuer.send(".well-known/openid-configuration", method="GET")).json
    assert "authorization_challenge_endpoint" not in document, "only where some client is a first party"
    await app.issuer.change(Realm, "acme", features=("first_party",))
    app.issuer.later(1)
    document = (await app.issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["authorization_challenge_endpoint"] == f"{app.issuer.url}/authorization_challenge"


@pytest.mark.spec("draft-ietf-oauth-first-party-apps section 5.2.2")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "orders:read"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"resource": "https://nowhere.test"}, "invalid_target"),
        ({"client_id": "nobody"}, "invalid_client"),
    ],
)
async def test_bad_requests(app: App, form: dict[str, Any], error: str) -> None:
    answer = await app.begin(**form)
    assert answer.error == error, answer.body
    assert "auth_session" not in answer.json


@pytest.mark.spec("draft-ietf-oauth-first-party-apps section 9.1")
@pytest.mark.attack("B1")
async def test_only_clients_marked_first_party(app: App) -> None:
    issuer = app.issuer
    await issuer.change(Client, "app2", first_party=False)
    for step in ({}, GOOD):
        answer = await App(issuer, "app2").begin(**step)
        assert (answer.status, answer.error) == (400, "unauthorized_client")
    await issuer.change(Client, "app2", first_party=True, self_registered=True)
    assert (await App(issuer, "app2").begin(**GOOD)).error == "unauthorized_client"


@pytest.mark.attack("C3")
async def test_an_auth_session_is_its_clients_own_and_ends(app: App) -> None:
    session = await app.session()
    assert (await App(app.issuer, "app2").ask(auth_session=session, **GOOD)).error == "invalid_session"
    altered = session[:-1] + ("_" if session[-1] != "_" else "-")
    assert (await app.ask(auth_session=altered, **GOOD)).error == "invalid_session"
    assert (await app.ask(auth_session="ksi_" + session[4:], **GOOD)).error == "invalid_session"
    assert (await app.ask(auth_session=session, **GOOD)).status == 200
    assert (await app.ask(auth_session=session, **GOOD)).error == "invalid_session"
    late = await app.session()
    app.issuer.later(600)
    assert (await app.ask(auth_session=late, **GOOD)).error == "invalid_session"


@pytest.mark.attack("C5")
async def test_an_auth_session_means_nothing_to_a_browser(app: App) -> None:
    session = await app.session()
    browser = browser_for(app.issuer)
    browser.jar["keystead-browser-acme"] = session
    page = await browser.get(f"authorize/resume?interaction={session}")
    assert page.status == 400
    browser.jar["keystead-session-acme"] = session
    assert (await browser.get("signed-in", follow=False)).status == 303


@pytest.mark.attack("U1")
async def test_guessing_is_braked_exactly_as_on_the_page(app: App) -> None:
    session = await app.session()
    statuses = [
        (await app.ask(auth_session=session, username="alice", password=f"wrong {number}")).status
        for number in range(7)
    ]
    assert statuses == [400, 400, 400, 400, 400, 429, 429]
    waiting = await app.ask(auth_session=session, **GOOD)
    assert (waiting.status, waiting.error) == (429, "insufficient_authorization")
    assert int(waiting.headers["retry-after"]) > 0
    browser = browser_for(app.issuer)
    page = await browser.press(await browser.get("sign-in"), "login-submit", username="alice", password=PASSWORD)
    assert page.status == 429, "one count for every door"


@pytest.mark.attack("U2")
async def test_an_unknown_name_is_answered_like_a_wrong_password(app: App) -> None:
    session = await app.session()
    known = await app.ask(auth_session=session, username="bob", password="wrong")
    unknown = await app.ask(auth_session=session, username="nobody", password="wrong")
    assert (known.status, known.body) == (unknown.status, unknown.body)


@pytest.mark.spec("draft-ietf-oauth-first-party-apps section 5.2.2.1")
async def test_what_needs_a_page_is_sent_to_the_web(app: App) -> None:
    issuer = app.issuer
    await issuer.change(Client, "app", skip_consent=False)
    answer = await app.begin(**GOOD)
    assert (answer.status, answer.error) == (400, "redirect_to_web")
    assert "request_uri" not in answer.json
    id = consent_id("usr_alice", "app")
    await issuer.keep(
        Consent(realm="acme", id=id, subject="usr_alice", client_id="app", scopes=("openid", "catalog:read"))
    )
    assert (await app.begin(**GOOD)).status == 200


@pytest.mark.attack("F4")
async def test_a_disabled_person_or_client_gets_nothing(app: App) -> None:
    await app.issuer.change(Account, "usr_alice", enabled=False)
    assert (await app.begin(**GOOD)).error == "insufficient_authorization"
    await app.issuer.change(Client, "app", enabled=False)
    assert (await app.begin(**GOOD)).error == "invalid_client"


@pytest.mark.spec("draft-ietf-oauth-first-party-apps section 9.6.1")
@pytest.mark.attack("E1")
async def test_an_auth_session_is_bound_to_the_key_it_began_with(app: App) -> None:
    issuer, sender, stranger = app.issuer, Sender(), Sender()

    async def ask(path: str, who: Sender | None, form: dict[str, Any]) -> Answer:
        headers = [dpop(who.proof("POST", f"{issuer.url}/{path}", issuer.now))] if who else []
        return await issuer.post(path, {"client_id": "app", **form}, headers=headers)

    request = {"response_type": "code", "scope": "openid", "code_challenge": challenge(VERIFIER)}
    request |= {"code_challenge_method": "S256"}
    session = (await ask("authorization_challenge", sender, request)).json["auth_session"]
    for who in (stranger, None):
        refused = await ask("authorization_challenge", who, {"auth_session": session, **GOOD})
        assert refused.error == "invalid_session"
    answer = await ask("authorization_challenge", sender, {"auth_session": session, **GOOD})
    code = {"grant_type": "authorization_code", "code": answer.json["authorization_code"], "code_verifier": VERIFIER}
    tokens = await ask("token", sender, code)
    assert (tokens.status, tokens.json["token_type"]) == (200, "DPoP"), tokens.body
    again = (await ask("authorization_challenge", sender, {**request, **GOOD})).json["authorization_code"]
    assert (await ask("token", stranger, {**code, "code": again})).error == "invalid_grant"
