"""Every door that takes a handle: an endpoint and the parameter, header or cookie the handle comes in.

All else about each request is right: the client is the one that every handle was issued to, the person's browser the
one they were made for, so that a door that stays shut does so because of the kind of handle alone.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from tests.attack.matrix.page_doors import PAGE_DOORS, Door, sendable
from tests.attack.matrix.world import ASSERTED_METHODS, CHAT, CIBA, DEVICE, DOMAIN, JWT_BEARER, TOKEN_TYPE, World
from tests.client_requests import push
from tests.dpop import Sender, dpop
from tests.issuer import VERIFIER
from tests.registrar import REDIRECT

CLIENT_ASSERTION_TYPES = {
    "workload": "urn:keystead:params:oauth:client-assertion-type:workload",
    "spiffe_jwt": "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe",
}
USUAL_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SUBJECT = {"format": "opaque", "id": "usr_nobody"}


def _grant(grant: str, parameter: str, **more: str) -> Door:
    async def knock(world: World, handle: str) -> bool:
        return (await world.token(grant, **{parameter: handle}, **more)).status == 200

    return Door("token", knock, grant)


def _exchange(kind: str, audience: str = "", **form: str) -> Door:
    async def knock(world: World, handle: str) -> bool:
        named = {"audience": audience} if audience else {}
        return (await world.exchange(handle, kind, **named, **form)).status == 200

    return Door("token", knock, "urn:ietf:params:oauth:grant-type:token-exchange")


async def _actor_token(world: World, handle: str) -> bool:
    token = (await world.tokens(scope="openid catalog:read"))["access_token"]
    form = {"actor_token": handle, "actor_token_type": TOKEN_TYPE + "access_token"}
    return (await world.exchange(token, "access_token", **form)).status == 200


def _client_assertion(method: str) -> Door:
    async def knock(world: World, handle: str) -> bool:
        kind = CLIENT_ASSERTION_TYPES.get(method, USUAL_ASSERTION_TYPE)
        shown = {"client_assertion_type": kind, "client_assertion": handle, "client_id": f"by_{method}"}
        form = {"grant_type": "client_credentials", "scope": "catalog:read", **shown}
        return (await world.issuer.post("token", form)).status == 200

    return Door("token", knock, "client_credentials")


async def _client_secret(world: World, handle: str) -> bool:
    answer = await world.issuer.token("client_credentials", client="shop", secret=handle, scope="ssf.manage")
    return answer.status == 200


async def _proof_nonce(world: World, handle: str) -> bool:
    proof = Sender().proof("POST", f"{world.issuer.url}/token", world.issuer.now, claims={"nonce": handle})
    answer = await world.issuer.token(
        "client_credentials", client="nonced", scope="catalog:read", headers=[dpop(proof)]
    )
    return answer.status == 200


async def _attestation(world: World, handle: str) -> bool:
    form = {"grant_type": "client_credentials", "client_id": "app", "scope": "catalog:read"}
    return (await world.issuer.post("token", form, headers=world.attested(handle))).status == 200


async def _active(world: World, handle: str) -> bool:
    answer = await world.post("introspect", token=handle)
    return bool(answer.json.get("active"))


async def _revoked(world: World, handle: str) -> bool:
    before = await _active(world, handle)
    revoked = (await world.post("revoke", token=handle)).status == 200
    return before and revoked and not await _active(world, handle)


async def _userinfo_body(world: World, handle: str) -> bool:
    return (await world.issuer.post("userinfo", {"access_token": handle})).status == 200


def _pushed(parameter: str) -> Door:
    async def knock(world: World, handle: str) -> bool:
        if parameter == "id_token_hint":
            return (await push(world.issuer, id_token_hint=handle)).status == 201
        return (await world.post("par", client_id="shop", **{parameter: handle})).status == 201

    return Door("par", knock)


def _asked_back(parameter: str) -> Door:
    async def knock(world: World, handle: str) -> bool:
        form = {parameter: handle} if parameter == "request" else {parameter: handle, "scope": "openid"}
        return (await world.post("backchannel_authentication", **form)).status == 200

    return Door("backchannel_authentication", knock)


def _bearer(path: str, document: dict[str, Any] | None = None, *, opened: int = 200) -> Door:
    """A resource of ours. `opened` is how it answers whoever may come in, though there is nothing to do for them."""

    async def knock(world: World, handle: str) -> bool:
        body = b"" if document is None else json.dumps(document).encode()
        answer = await world.bearer(path, sendable(handle), method="POST" if body else "GET", body=body)
        return answer.status == opened

    return Door(path, knock)


def _stream(path: str, document: dict[str, Any] | None, *, opened: int) -> Door:
    async def knock(world: World, handle: str) -> bool:
        token, query = await world.service_token(), f"stream_id={quote(handle, safe='')}"
        if document is None:
            return (await world.bearer(path, token, query=query)).status == opened
        body = json.dumps({**document, "stream_id": handle}).encode()
        return (await world.bearer(path, token, method="POST", body=body, query=query)).status == opened

    return Door(path, knock)


async def _register(world: World, handle: str) -> bool:
    body = json.dumps({"redirect_uris": [REDIRECT]}).encode()
    return (await world.bearer("register", sendable(handle), method="POST", body=body)).status == 201


async def _manage(world: World, handle: str) -> bool:
    client_id = world.registered.get(handle) or (await world.registrar.registered())["client_id"]
    return (await world.registrar.manage("GET", client_id, sendable(handle))).status == 200


async def _waiting_request(world: World, handle: str) -> bool:
    token = (await world.tokens(scope="ciba:approve"))["access_token"]
    headers = [(b"authorization", b"Bearer " + token.encode())]
    answer = await world.issuer.post("ciba/requests", {"request": handle, "decision": "deny"}, headers=headers)
    return answer.status == 200


async def _tested(world: World, handle: str) -> bool:
    query = f"auth_req_id={quote(handle, safe='')}&action=allow"
    answer = await world.bearer("ciba/test", "", query=query)
    return answer.status == 200 and bool(answer.json["answered"])


async def _challenged(world: World, handle: str) -> bool:
    return (await world.post("authorization_challenge", auth_session=handle)).error == "insufficient_authorization"


async def _userinfo(world: World, handle: str) -> bool:
    return (await world.bearer("userinfo", sendable(handle))).status == 200


DOORS: dict[str, Door] = {
    "token code": _grant("authorization_code", "code", code_verifier=VERIFIER, redirect_uri=REDIRECT),
    "token refresh_token": _grant("refresh_token", "refresh_token"),
    "token device_code": _grant(DEVICE, "device_code"),
    "token auth_req_id": _grant(CIBA, "auth_req_id"),
    "token assertion": _grant(JWT_BEARER, "assertion", scope="catalog:read"),
    **{f"exchange {kind}": _exchange(kind) for kind in ("access_token", "jwt", "id_token", "refresh_token")},
    "exchange actor_token": Door("token", _actor_token, "urn:ietf:params:oauth:grant-type:token-exchange"),
    **{
        f"id-jag {kind}": _exchange(kind, CHAT, requested_token_type=TOKEN_TYPE + "id-jag", scope="chat.read")
        for kind in ("id_token", "refresh_token", "access_token")
    },
    **{
        f"transaction {kind}": _exchange(kind, DOMAIN, requested_token_type=TOKEN_TYPE + "txn_token", scope="openid")
        for kind in ("access_token", "txn_token")
    },
    **{f"client_assertion {method}": _client_assertion(method) for method in ASSERTED_METHODS},
    "client_secret": Door("token", _client_secret, "client_credentials"),
    "DPoP nonce": Door("token", _proof_nonce, "client_credentials"),
    "attestation challenge": Door("token", _attestation, "client_credentials"),
    **PAGE_DOORS,
    "introspect": Door("introspect", _active),
    "revoke": Door("revoke", _revoked),
    "userinfo": Door("userinfo", _userinfo),
    "userinfo body": Door("userinfo", _userinfo_body),
    "par request": _pushed("request"),
    "par request_uri": _pushed("request_uri"),
    "par id_token_hint": _pushed("id_token_hint"),
    "backchannel request": _asked_back("request"),
    "backchannel id_token_hint": _asked_back("id_token_hint"),
    "backchannel login_hint_token": _asked_back("login_hint_token"),
    "register bearer": Door("register", _register),
    "register management": Door("register", _manage),
    "ciba/requests bearer": _bearer("ciba/requests"),
    "ciba/requests request": Door("ciba/requests", _waiting_request),
    "ciba/test auth_req_id": Door("ciba/test", _tested),
    "authorization_challenge auth_session": Door("authorization_challenge", _challenged),
    "ssf/streams bearer": _bearer("ssf/streams"),
    "ssf/status bearer": _bearer("ssf/status", {"status": "enabled"}, opened=404),
    "ssf/poll bearer": _bearer("ssf/poll", {"returnImmediately": True}, opened=404),
    "ssf/subjects/add bearer": _bearer("ssf/subjects/add", {"subject": SUBJECT}, opened=404),
    "ssf/subjects/remove bearer": _bearer("ssf/subjects/remove", {"subject": SUBJECT}, opened=404),
    "ssf/verification bearer": _bearer("ssf/verification", {"state": "s"}, opened=404),
    "global-token-revocation bearer": _bearer("global-token-revocation", {"sub_id": SUBJECT}, opened=404),
    "ssf/streams stream_id": _stream("ssf/streams", None, opened=200),
    "ssf/status stream_id": _stream("ssf/status", None, opened=200),
    "ssf/poll stream_id": _stream("ssf/poll", {"returnImmediately": True}, opened=200),
    "ssf/verification stream_id": _stream("ssf/verification", {}, opened=204),
}


NO_HANDLE = {
    ".well-known/openid-configuration": "public, takes nothing",
    ".well-known/ssf-configuration": "public, takes nothing",
    "attestation-challenge": "gives a handle, takes none",
    "check-session": "a page without parameters",
    "client-logo": "takes the public name of a client",
    "device_authorization": "takes a client and scopes, and gives handles",
    "jwks": "public, takes nothing",
    "oauth/token": "`token` under another name, with the same handler",
    "revocations": "public; a cursor says where to read on, and opens nothing that is not told without one",
    "static/": "public",
    "status_list": "public, takes nothing",
    "status_lists": "public, takes nothing",
}
"""Endpoints that take no handle, and why."""
