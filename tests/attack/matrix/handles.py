"""Every kind of handle, got as its rightful holder gets it, and the doors it is for.

The first door of a kind is its home: after a handle was shown at every other door, its home must still open to it.
A kind without doors is a mere name: it opens nothing anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from keystead.core.tokens import AccessClaims
from keystead.core.values import handle_digest
from keystead.oauth.access_tokens import read_access_token
from tests.attack.matrix.page_doors import alice_being
from tests.attack.matrix.world import CHAT, DOMAIN, TOKEN_TYPE, World
from tests.client_requests import client_key, push
from tests.dpop import Sender, dpop
from tests.issuer import SECRET, challenge
from tests.registrar import INITIAL, REDIRECT
from tests.shop import authorize_url
from tests.television import type_code


@dataclass(frozen=True)
class Kind:
    """One kind: how to get one, and where it is for."""

    make: Callable[[World], Awaitable[str]]
    doors: tuple[str, ...] = ()


async def _device(world: World, member: str, *, allowed: bool) -> str:
    begun = (await world.post("device_authorization", scope="openid catalog:read")).json
    if allowed:
        page = await world.browser.press(await type_code(world.browser, begun["user_code"]), "device-continue")
        if page.has("consent-allow"):
            page = await world.browser.press(page, "consent-allow")
    return str(begun[member])


async def _asked_back(world: World) -> str:
    answer = await world.post("backchannel_authentication", scope="openid catalog:read", login_hint="alice")
    assert answer.status == 200, answer.body
    return str(answer.json["auth_req_id"])


async def _asked_name(world: World) -> str:
    return handle_digest(await _asked_back(world))


async def _allowed_back(world: World) -> str:
    handle = await _asked_back(world)
    await world.bearer("ciba/test", "", query=f"auth_req_id={handle}&action=allow")
    return handle


async def _interaction(world: World) -> str:
    page = await world.browser.get(authorize_url(world.issuer, prompt="consent"), follow=False)
    return parse_qs(urlsplit(page.location).query)["interaction"][0]


async def _large_interaction(world: World) -> str:
    url = authorize_url(world.issuer, prompt="consent", state="s" * 4_000, claims=LARGE)
    page = await world.browser.get(url, follow=False)
    return parse_qs(urlsplit(page.location).query)["interaction"][0]


async def _auth_session(world: World) -> str:
    request = {"scope": "openid", "code_challenge": challenge("v" * 43), "code_challenge_method": "S256"}
    answer = await world.post("authorization_challenge", response_type="code", **request)
    return str(answer.json["auth_session"])


async def _pushed(world: World) -> str:
    return str((await push(world.issuer)).json["request_uri"])


async def _registration(world: World) -> str:
    told = await world.registrar.registered()
    token = str(told["registration_access_token"])
    world.registered[token] = told["client_id"]
    return token


async def _claims(world: World, member: str) -> str:
    token = (await world.tokens())["access_token"]
    claims = await read_access_token(token, "acme", world.issuer.now, world.issuer.cx)
    assert isinstance(claims, AccessClaims)
    return str(getattr(claims, member))


async def _person_token(world: World, scope: str) -> str:
    return str((await world.tokens(scope=scope))["access_token"])


async def _member(world: World, member: str) -> str:
    return str((await world.tokens())[member])


async def _transaction(world: World) -> str:
    token = await _person_token(world, "openid catalog:read orders:read")
    form = {"requested_token_type": TOKEN_TYPE + "txn_token", "scope": "openid orders:read"}
    answer = await world.exchange(token, "access_token", DOMAIN, **form)
    assert answer.status == 200, answer.body
    return str(answer.json["access_token"])


async def _id_jag(world: World) -> str:
    form = {"requested_token_type": TOKEN_TYPE + "id-jag", "scope": "chat.read"}
    answer = await world.exchange(await _member(world, "id_token"), "id_token", CHAT, **form)
    assert answer.status == 200, answer.body
    return str(answer.json["access_token"])


async def _introspection_reply(world: World) -> str:
    from tests.issuer import basic_header

    headers = [
        (b"accept", b"application/token-introspection+jwt"),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"authorization", basic_header("shop", SECRET)),
    ]
    token = await _member(world, "access_token")
    return (await world.issuer.send("introspect", f"token={token}".encode(), headers=headers)).body.decode()


async def _status_list(world: World) -> str:
    return (await world.issuer.send("status_list", method="GET")).body.decode()


async def _stream(world: World) -> str:
    answer = await world.bearer("ssf/streams", await world.service_token(), method="POST", body=b"{}")
    if answer.status == 409:
        answer.body = (await world.bearer("ssf/streams", await world.service_token())).body[1:-1]
    return str(answer.json["stream_id"])


async def _nonce(world: World) -> str:
    proof = Sender().proof("POST", f"{world.issuer.url}/token", world.issuer.now)
    answer = await world.issuer.token(
        "client_credentials", client="nonced", scope="catalog:read", headers=[dpop(proof)]
    )
    return answer.headers["DPoP-Nonce"] if "DPoP-Nonce" in answer.headers else answer.headers["dpop-nonce"]


async def _challenge(world: World) -> str:
    return str((await world.issuer.send("attestation-challenge")).json["attestation_challenge"])


async def _cookie(world: World, purpose: str) -> str:
    return world.browser.jar[f"keystead-{purpose}-acme"]


async def _form_token(world: World, path: str, query: str = "") -> str:
    page = await world.browser.get(f"{path}{query}")
    return next(form.fields["token"] for form in page.forms if "token" in form.fields)


async def _applications_token(world: World) -> str:
    await world.tokens()
    return await _form_token(world, "account/applications", "?application=shop")


async def _second_factor_token(world: World) -> str:
    async with alice_being(world, second_factors=("totp",)):
        return await _form_token(world, "second-factor")


async def _cursor(world: World) -> str:
    await world.post("revoke", token=await world.exchanged())
    return str((await world.issuer.send("revocations", method="GET")).json["cursor"])


async def _proof(world: World) -> str:
    return Sender().proof("POST", f"{world.issuer.url}/token", world.issuer.now)


async def _client_assertion(world: World) -> str:
    now, name = world.issuer.now, "by_private_key_jwt"
    said: dict[str, Any] = {"iss": name, "sub": name, "iat": now, "exp": now + 60}
    return world.assertion(client_key("ES256"), **said)


def _ready(text: str) -> Callable[[World], Awaitable[str]]:
    async def make(world: World) -> str:
        return text

    return make


LARGE = json.dumps({"userinfo": {f"claim_{number}": None for number in range(60)}})
TOKEN_DOORS = ("introspect", "revoke")
SERVICE_DOORS = (
    "ssf/streams bearer",
    "ssf/status bearer",
    "ssf/poll bearer",
    "ssf/subjects/add bearer",
    "ssf/subjects/remove bearer",
    "ssf/verification bearer",
    "global-token-revocation bearer",
)
STREAM_DOORS = ("ssf/streams stream_id", "ssf/status stream_id", "ssf/poll stream_id", "ssf/verification stream_id")
HINTS = ("logout id_token_hint", "authorize id_token_hint", "par id_token_hint", "backchannel id_token_hint")
RESUMING = tuple(
    f"{page} interaction"
    for page in ("authorize/resume", "sign-in", "consent", "sign-up", "new-password", "second-factor")
)

KINDS: dict[str, Kind] = {
    "authorization code": Kind(lambda world: world.code(), ("token code",)),
    "refresh token": Kind(
        lambda world: _member(world, "refresh_token"), ("token refresh_token", "id-jag refresh_token", *TOKEN_DOORS)
    ),
    "opaque access token": Kind(
        lambda world: _person_token(world, "openid catalog:read"),
        (
            "userinfo",
            "userinfo body",
            "exchange access_token",
            "exchange jwt",
            "transaction access_token",
            *TOKEN_DOORS,
        ),
    ),
    "exchanged JWT": Kind(lambda world: world.exchanged(), TOKEN_DOORS),
    "approval token": Kind(lambda world: _person_token(world, "ciba:approve"), ("ciba/requests bearer", *TOKEN_DOORS)),
    "service token": Kind(lambda world: world.service_token(), (*SERVICE_DOORS, "exchange actor_token", *TOKEN_DOORS)),
    "ID token": Kind(lambda world: _member(world, "id_token"), (*HINTS, "id-jag id_token")),
    "ID-JAG": Kind(_id_jag),
    "transaction token": Kind(_transaction, ("transaction txn_token",)),
    "introspection reply": Kind(_introspection_reply),
    "status list": Kind(_status_list),
    "trusted assertion": Kind(
        lambda world: _ready(world.assertion())(world),
        ("token assertion", "exchange jwt", "exchange id_token", "backchannel login_hint_token"),
    ),
    "client assertion": Kind(_client_assertion, ("client_assertion private_key_jwt",)),
    "client secret": Kind(_ready(SECRET), ("client_secret",)),
    "request object": Kind(lambda world: _ready(world.request_object())(world), ("authorize request", "par request")),
    "backchannel request object": Kind(
        lambda world: _ready(
            world.assertion(
                client_key("ES256"), typ="", iss="shop", nbf=world.issuer.now, scope="openid", login_hint="alice"
            )
        )(world),
        ("backchannel request",),
    ),
    "request_uri": Kind(_pushed, ("authorize request_uri",)),
    "device_code": Kind(lambda world: _device(world, "device_code", allowed=True), ("token device_code",)),
    "user_code": Kind(
        lambda world: _device(world, "user_code", allowed=False), ("device user_code", "device/qr user_code")
    ),
    "auth_req_id": Kind(_allowed_back, ("token auth_req_id",)),
    "auth_req_id nobody answered": Kind(_asked_back, ("ciba/test auth_req_id",)),
    "name of a waiting request": Kind(_asked_name, ("ciba request", "ciba/requests request")),
    "auth_session": Kind(_auth_session, ("authorization_challenge auth_session",)),
    "interaction": Kind(_interaction, RESUMING),
    "large interaction": Kind(_large_interaction, RESUMING),
    "session cookie": Kind(
        lambda world: _cookie(world, "session"),
        (
            "account/applications cookie",
            "account/sessions cookie",
            "account/password cookie",
            "account/factors cookie",
            "signed-in cookie",
            "ciba cookie",
            "authorize session cookie",
        ),
    ),
    "browser cookie": Kind(lambda world: _cookie(world, "browser"), ("browser cookie",)),
    "known browser cookie": Kind(lambda world: _cookie(world, "known")),
    "initial access token": Kind(_ready(INITIAL), ("register bearer",)),
    "registration access token": Kind(_registration, ("register management",)),
    "stream id": Kind(_stream, STREAM_DOORS),
    "DPoP nonce": Kind(_nonce, ("DPoP nonce",)),
    "DPoP proof": Kind(_proof),
    "attestation challenge": Kind(_challenge, ("attestation challenge",)),
    "device form token": Kind(lambda world: _form_token(world, "device"), ("device token",)),
    "applications form token": Kind(_applications_token, ("account/applications token", "account/sessions token")),
    "password form token": Kind(
        lambda world: _form_token(world, "account/password"), ("account/password token", "new-password token")
    ),
    "factors form token": Kind(lambda world: _form_token(world, "account/factors"), ("account/factors token",)),
    "second factor form token": Kind(_second_factor_token, ("second-factor token",)),
    "sign-out form token": Kind(lambda world: _form_token(world, "signed-in"), ("logout token",)),
    "backchannel form token": Kind(lambda world: _asked_form(world), ("ciba token",)),
    "feed cursor": Kind(_cursor),
    "grant id": Kind(lambda world: _claims(world, "gid")),
    "session id": Kind(lambda world: _claims(world, "sid")),
    "token id": Kind(lambda world: _claims(world, "jti")),
    "account id": Kind(_ready("usr_alice")),
    "client id": Kind(_ready("shop")),
    "redirect URI": Kind(_ready(REDIRECT)),
}


async def _asked_form(world: World) -> str:
    await _asked_back(world)
    return await _form_token(world, "ciba")
