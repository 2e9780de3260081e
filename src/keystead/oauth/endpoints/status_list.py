"""The realm's Token Status List, and the list of lists."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.forms import parse_parameters
from keystead.core.http import JSON, Headers, Reply, Request
from keystead.core.jose import jws
from keystead.core.records.realm import Realm
from keystead.core.spec import STATUS_LIST
from keystead.core.status_list import STATUS_LIST_TYPE, write_list
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.landscape import landscape
from keystead.oauth.status_lists import LIST_SIZE, STATUS_LIST_PATH, invalid_places

AGGREGATION_PATH: Final = "status_lists"

_JWT: Final = (b"content-type", b"application/statuslist+jwt")
_PUBLIC: Final[Headers] = ((b"access-control-allow-origin", b"*"), (b"x-content-type-options", b"nosniff"))
_NONE: Final = Reply(404, (JSON, *_PUBLIC), b'{"error":"not_found"}')
_NO_HISTORY: Final = Reply(501, (JSON, *_PUBLIC), b'{"error":"unsupported","error_description":"no past states"}')
_LIVES: Final = 4


class StatusListEndpoint(EndpointPlugin):
    """Tells anybody which living JWT access tokens are not good any more, one bit each.

    Shape: GET; a signed JWT (`typ` = `statuslist+jwt`) with `sub` (this URL), `iat`, `exp`, `ttl` and `status_list`
    (`bits`, `lst`, `aggregation_uri`). The same one is given until its `ttl` is over. 404 in a realm without
    `status_lists`, 501 for a past `time`.
    Does not: say whose token a bit is, or speak of opaque tokens, which nobody can check without asking us.
    Spec: draft-ietf-oauth-status-list sections 5.1, 8.1 and 8.4.
    """

    path = STATUS_LIST_PATH
    methods = frozenset({"GET", "HEAD"})
    specs = (STATUS_LIST["5.1"], STATUS_LIST["8.1"])

    def __init__(self) -> None:
        self._cx: ServerContext | None = None
        self._kept: dict[str, tuple[EpochSeconds, Reply]] = {}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer with the list as it was at most `ttl` seconds ago."""
        realm = (await landscape(cx, request.realm, request.now)).realm
        if not realm.status_lists:
            return _NONE
        if "time" in parse_parameters(request.query):
            return _NO_HISTORY
        if self._cx is not cx:
            self._cx, self._kept = cx, {}
        made_at, reply = self._kept.get(realm.id, (EpochSeconds(0), _NONE))
        if not made_at <= request.now < made_at + realm.status_list_ttl:
            reply = await _made(realm, request.now, cx)
            self._kept[realm.id] = (request.now, reply)
        return reply


class StatusListsEndpoint(EndpointPlugin):
    """Tells where all status lists of this issuer are.

    Shape: GET; a JSON object with `status_lists`, the URLs. Spec: draft-ietf-oauth-status-list section 9.
    """

    path = AGGREGATION_PATH
    methods = frozenset({"GET", "HEAD"})
    specs = (STATUS_LIST["9.1"], STATUS_LIST["9.3"])
    fast = True

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where it is."""
        return {"status_list_aggregation_endpoint": f"{issuer}/{self.path}"}

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Take the entry out where the realm has no lists."""
        return {} if realm.status_lists else {"status_list_aggregation_endpoint": None}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer with the one list there is."""
        realm = (await landscape(cx, request.realm, request.now)).realm
        if not realm.status_lists:
            return _NONE
        document = {"status_lists": [f"{cx.issuer(realm.id)}/{STATUS_LIST_PATH}"]}
        return Reply(200, (JSON, *_PUBLIC), msgspec.json.encode(document))


async def _made(realm: Realm, now: EpochSeconds, cx: ServerContext) -> Reply:
    issuer, ttl = cx.issuer(realm.id), realm.status_list_ttl
    claims = {
        "iss": issuer,
        "sub": f"{issuer}/{STATUS_LIST_PATH}",
        "iat": now,
        "exp": now + _LIVES * ttl,
        "ttl": ttl,
        "status_list": {
            "bits": 1,
            "lst": write_list(await invalid_places(realm.id, now, cx), LIST_SIZE),
            "aggregation_uri": f"{issuer}/{AGGREGATION_PATH}",
        },
    }
    token = jws.sign(claims, await cx.keys.signer(realm.id, now), STATUS_LIST_TYPE)
    return Reply(200, (_JWT, (b"cache-control", f"public, max-age={ttl}".encode()), *_PUBLIC), token.encode())
