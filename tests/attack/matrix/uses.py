"""What can be done with what one has: each use of a handle or right, and everything it rests on.

`rests_on` names switches of `tests.attack.matrix.switches`: once one of them is off, the use must be refused at once;
with all others off it must still work, or the refusal would prove nothing.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.attack.matrix.doors import DOORS
from tests.attack.matrix.handles import KINDS
from tests.attack.matrix.world import CIBA, DEVICE, JWT_BEARER, World
from tests.attack.matrix.world import EXCHANGE as TOKEN_EXCHANGE
from tests.client_requests import push
from tests.harness.browser import Page
from tests.issuer import SECRET, challenge
from tests.registrar import REDIRECT
from tests.shop import PASSWORD, authorize_url

CODE, REFRESH, CREDENTIALS = "grant authorization_code", "grant refresh_token", "grant client_credentials"
DEVICES, BACKCHANNEL, EXCHANGE = f"grant {DEVICE}", f"grant {CIBA}", f"grant {TOKEN_EXCHANGE}"
ASSERTIONS = f"grant {JWT_BEARER}"
REALM, CLIENT, ACCOUNT, SESSION, CONSENT = "realm", "client", "account", "session", "consent"
API, FOREIGN, PARTNER, WORKLOAD = "API", "trusted issuer", "partner server", "workload"
PERSON = {CLIENT, ACCOUNT, SESSION, CONSENT}
FRONT = {CLIENT, ACCOUNT, SESSION, CODE, "profile", "redirect URI"}


@dataclass(frozen=True)
class Use:
    """One use: at which endpoint, how to come by what it needs, how to do it, and what it rests on."""

    path: str
    make: Callable[[World], Awaitable[str]]
    knock: Callable[[World, str], Awaitable[bool]]
    rests_on: frozenset[str]
    grant: str = ""


def _at(kind: str, door: str, *rests_on: str) -> Use:
    """The use of a handle at a door of the other matrix."""
    found = DOORS[door]
    return Use(found.path, KINDS[kind].make, found.knock, frozenset({REALM, *rests_on}), found.grant)


def _anew(path: str, knock: Callable[[World, str], Awaitable[bool]], *rests_on: str) -> Use:
    """Something that needs nothing got before."""
    return Use(path, _nothing, knock, frozenset({REALM, *rests_on}))


async def _nothing(_: World) -> str:
    return ""


async def _online_refresh_token(world: World) -> str:
    return str((await world.tokens(scope="openid catalog:read"))["refresh_token"])


async def _authorize(world: World, _: str) -> bool:
    page = await world.browser.get(authorize_url(world.issuer, prompt="none", scope="openid"), follow=False)
    return "code" in page.answer


async def _push(world: World, _: str) -> bool:
    return (await push(world.issuer)).status == 201


async def _push_small(world: World) -> str:
    return str((await push(world.issuer, scope="openid")).json["request_uri"])


async def _pushed(world: World, handle: str) -> bool:
    page = await world.page("authorize", world.browser, client_id="shop", request_uri=handle)
    return "code" in page.answer


async def _begun(world: World) -> Page:
    return await world.browser.get(authorize_url(world.issuer, prompt="consent"))


async def _allowed(world: World) -> str:
    """The way back to the dispatcher after a yes, not gone yet."""
    page = await _begun(world)
    return (await world.browser.press(page, "consent-allow", follow=False)).location


async def _resume(world: World, url: str) -> bool:
    page = await world.browser.get(url, follow=False)
    return page.location.startswith(REDIRECT) and "code" in page.answer


async def _asked_consent(world: World) -> str:
    return parse_qs(urlsplit((await _begun(world)).url).query)["interaction"][0]


async def _look_at_consent(world: World, handle: str) -> bool:
    page = await world.page("consent", world.browser, interaction=handle)
    return page.status == 200 and page.has("consent-allow")


def _posted(path: str, *rests_on: str, **form: str) -> Use:
    async def knock(world: World, _: str) -> bool:
        return (await world.post(path, **form)).status == 200

    return _anew(path, knock, *rests_on)


async def _begin_challenge(world: World, _: str) -> bool:
    request = {"scope": "openid", "code_challenge": challenge("v" * 43), "code_challenge_method": "S256"}
    answer = await world.post("authorization_challenge", response_type="code", **request)
    return answer.error == "insufficient_authorization"


async def _finish_challenge(world: World, handle: str) -> bool:
    entered = {"auth_session": handle, "username": "alice", "password": PASSWORD}
    return (await world.post("authorization_challenge", **entered)).status == 200


async def _approver(world: World) -> str:
    """An approval token, and the name of something that waits."""
    token = await KINDS["approval token"].make(world)
    return f"{token} {await KINDS['name of a waiting request'].make(world)}"


async def _approve(world: World, both: str) -> bool:
    token, _, name = both.partition(" ")
    headers = [(b"authorization", b"Bearer " + token.encode())]
    form = {"request": name, "decision": "allow"}
    return (await world.issuer.post("ciba/requests", form, headers=headers)).status == 200


async def _listed(world: World, both: str) -> bool:
    token, _, name = both.partition(" ")
    answer = await world.bearer("ciba/requests", token)
    return answer.status == 200 and any(one["request"] == name for one in answer.json["requests"])


async def _sheet(world: World) -> str:
    """The name of something that waits, and the form to look at it."""
    name = await KINDS["name of a waiting request"].make(world)
    page = await world.browser.get("ciba")
    return f"{name} {page.forms[-1].fields['token']}"


async def _review(world: World, both: str) -> bool:
    name, _, token = both.partition(" ")
    form = {"request": name, "token": token, "answer": "review"}
    return "/consent" in (await world.browser.post("ciba", form, follow=False)).location


async def _streamed(world: World) -> str:
    name = await KINDS["stream id"].make(world)
    return f"{await world.service_token()} {name}"


async def _poll(world: World, both: str) -> bool:
    token, _, name = both.partition(" ")
    body = json.dumps({"returnImmediately": True}).encode()
    answer = await world.bearer("ssf/poll", token, method="POST", body=body, query=urlencode({"stream_id": name}))
    return answer.status == 200


async def _register_openly(world: World, _: str) -> bool:
    return (await world.registrar.post({"redirect_uris": [REDIRECT]}, None)).status == 201


async def _workload_token(world: World) -> str:
    kind = "urn:keystead:params:oauth:client-assertion-type:workload"
    form = {"client_assertion_type": kind, "client_assertion": "workload:gateway", "client_id": "by_workload"}
    fields = {"grant_type": "client_credentials", "scope": "catalog:read", **form}
    answer = await world.issuer.post("token", fields)
    return str(answer.json["access_token"]) if answer.json.get("scope") else ""


async def _as_workload(world: World, _: str) -> bool:
    return bool(await _workload_token(world))


async def _introspect_as_api(world: World, token: str) -> bool:
    answer = await world.issuer.post("introspect", {"token": token}, basic=("catalog", SECRET))
    return bool(answer.json.get("active"))


async def _exchanged_by_catalog(world: World) -> str:
    """A token that went through the hands of `catalog`, which acts for `shop` in it."""
    answer = await world.issuer.token(
        TOKEN_EXCHANGE,
        client="catalog",
        subject_token=await world.exchanged(),
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
        audience="https://depot.test",
    )
    assert answer.status == 200, answer.body
    return str(answer.json["access_token"])


async def _introspect_at_depot(world: World, token: str) -> bool:
    answer = await world.issuer.post("introspect", {"token": token}, basic=("depot", SECRET))
    return bool(answer.json.get("active"))


USES: dict[str, Use] = {
    "authorize anew": _anew("authorize", _authorize, *FRONT, CONSENT),
    "authorize what was pushed": Use(
        "authorize", _push_small, _pushed, frozenset({REALM, *FRONT, CONSENT} - {"profile"})
    ),
    "push": _anew("par", _push, CLIENT, CODE, API, "redirect URI"),
    "be asked for consent": Use(
        "consent",
        _asked_consent,
        _look_at_consent,
        frozenset({REALM, CLIENT, ACCOUNT, SESSION, CODE, "profile", "redirect URI"}),
    ),
    "make an account": _at("interaction", "sign-up interaction", CLIENT, CODE, "profile", "redirect URI", "sign-up"),
    "redeem a code": _at("authorization code", "token code", *PERSON, CODE, "profile"),
    "refresh": Use(
        "token",
        _online_refresh_token,
        DOORS["token refresh_token"].knock,
        frozenset({REALM, *PERSON, REFRESH, "profile"}),
        "refresh_token",
    ),
    "refresh offline": _at("refresh token", "token refresh_token", CLIENT, ACCOUNT, CONSENT, REFRESH, "profile"),
    "own token": _posted("token", CLIENT, CREDENTIALS, "profile", grant_type="client_credentials", scope="ssf.manage"),
    "device polls": _at("device_code", "token device_code", *PERSON, DEVICES, "profile"),
    "device begins": _posted("device_authorization", CLIENT, DEVICES, scope="openid"),
    "device code typed": _at("user_code", "device user_code", CLIENT, DEVICES),
    "backchannel polls": _at("auth_req_id", "token auth_req_id", CLIENT, ACCOUNT, CONSENT, BACKCHANNEL, "profile"),
    "backchannel begins": _posted(
        "backchannel_authentication", CLIENT, ACCOUNT, BACKCHANNEL, scope="openid", login_hint="alice"
    ),
    "backchannel hint of an issuer": _at(
        "trusted assertion", "backchannel login_hint_token", CLIENT, ACCOUNT, BACKCHANNEL, FOREIGN
    ),
    "backchannel list in the app": Use("ciba/requests", _approver, _listed, frozenset({REALM, *PERSON, BACKCHANNEL})),
    "backchannel page": Use("ciba", _sheet, _review, frozenset({REALM, CLIENT, ACCOUNT, SESSION, BACKCHANNEL})),
    "assertion": _at("trusted assertion", "token assertion", CLIENT, ACCOUNT, CONSENT, ASSERTIONS, FOREIGN, "profile"),
    "exchange": _at("opaque access token", "exchange access_token", *PERSON, EXCHANGE, API, "profile"),
    "exchange a foreign token": _at(
        "trusted assertion", "exchange jwt", CLIENT, ACCOUNT, CONSENT, EXCHANGE, API, FOREIGN, "profile"
    ),
    "ID-JAG": _at("ID token", "id-jag id_token", CLIENT, ACCOUNT, SESSION, CONSENT, EXCHANGE, PARTNER, "profile"),
    "transaction begins": _at(
        "opaque access token", "transaction access_token", *PERSON, EXCHANGE, "trust domain", "profile"
    ),
    "transaction goes on": _at(
        "transaction token", "transaction txn_token", *PERSON, EXCHANGE, "trust domain", "profile"
    ),
    "challenge begins": _anew("authorization_challenge", _begin_challenge, CLIENT, CODE, "first party", "profile"),
    "challenge ends": Use(
        "authorization_challenge",
        KINDS["auth_session"].make,
        _finish_challenge,
        frozenset({REALM, CLIENT, ACCOUNT, CONSENT, CODE, "first party", "profile"}),
    ),
    "userinfo": _at("opaque access token", "userinfo", *PERSON),
    "introspect": _at("opaque access token", "introspect", *PERSON),
    "introspect a refresh token": _at("refresh token", "introspect", CLIENT, ACCOUNT, CONSENT),
    "introspect at the API": Use(
        "introspect", World.exchanged, _introspect_as_api, frozenset({REALM, *PERSON, API, "actor"})
    ),
    "introspect behind an actor": Use(
        "introspect", _exchanged_by_catalog, _introspect_at_depot, frozenset({REALM, *PERSON, "actor"})
    ),
    "workload's token": _anew("token", _as_workload, WORKLOAD, API),
    "introspect a workload's token": Use(
        "introspect", _workload_token, _introspect_as_api, frozenset({REALM, WORKLOAD, API, "actor"})
    ),
    "sign out by hint": _at("ID token", "logout id_token_hint", CLIENT),
    "list applications": _at("session cookie", "account/applications cookie", ACCOUNT, SESSION),
    "see the page of the password": _at("session cookie", "account/password cookie", ACCOUNT, SESSION),
    "list second factors": _at("session cookie", "account/factors cookie", ACCOUNT, SESSION),
    "choose a new password": _at(
        "interaction", "new-password interaction", CLIENT, CODE, ACCOUNT, SESSION, "profile", "redirect URI"
    ),
    "prove a second factor": _at(
        "interaction", "second-factor interaction", CLIENT, CODE, ACCOUNT, SESSION, "profile", "redirect URI"
    ),
    "list sessions": _at("session cookie", "account/sessions cookie", ACCOUNT, SESSION),
    "be signed in": _at("session cookie", "signed-in cookie", ACCOUNT, SESSION),
    "register": _at("initial access token", "register bearer", "initial access token"),
    "register openly": _anew("register", _register_openly, "registration"),
    "manage a registration": _at("registration access token", "register management", "registered client"),
    "poll a stream": Use("ssf/poll", _streamed, _poll, frozenset({REALM, CLIENT})),
    **{
        f"{path} ": _at("service token", f"{path} bearer", CLIENT)
        for path in (
            "ssf/streams",
            "ssf/status",
            "ssf/subjects/add",
            "ssf/subjects/remove",
            "ssf/verification",
            "global-token-revocation",
        )
    },
    "an attested instance": _at("attestation challenge", "attestation challenge", "attester"),
    # These remember a consent, so they come last.
    "backchannel answer in the app": Use(
        "ciba/requests", _approver, _approve, frozenset({REALM, *PERSON, BACKCHANNEL})
    ),
    "backchannel test door": _at(
        "auth_req_id nobody answered", "ciba/test auth_req_id", CLIENT, ACCOUNT, BACKCHANNEL, "test door"
    ),
    "come back after a yes": Use("authorize/resume", _allowed, _resume, frozenset({REALM, *FRONT})),
}
