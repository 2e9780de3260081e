"""Who may use the authorization API: every request shows an access token for `{base}/authz`, with a scope of it.

Flow: the token of the Authorization header -> which realm's issuer made it -> is it ours, unexpired, meant for this
API -> does what it rests on still stand -> does the sender hold the key it is bound to -> does it carry the scope ->
a `Caller`, or the refusal to send. A caller's stores are those of its realm: another realm's do not exist for it.
What was proved of a token is remembered for the second in which it was proved, so that thousands of questions a second
cost one verification; a revocation counts from the next second on at the latest.
Spec: RFC 6750 section 3, RFC 9068 section 4, RFC 9449 section 7, RFC 8705 section 3.
Does not: look at stores, or remember a proof of possession: each request brings its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

import msgspec

from keystead.api.challenges import refusal
from keystead.core.decisions import Check, Decision, Denied
from keystead.core.errors import InsufficientScope, InvalidToken, OAuthError, TemporarilyUnavailable
from keystead.core.http import Headers, Reply, Request
from keystead.core.jose.jws import peek_claims_unverified
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.tokens import AccessClaims
from keystead.core.ulid import ULID
from keystead.core.values import EpochSeconds
from keystead.oauth.access_tokens import credential_of, read_access_token
from keystead.oauth.authority import authority_now, holding_of
from keystead.oauth.authorization_api import STORES, authorization_audience
from keystead.oauth.bearer import DPOP, ShownToken, token_in_header
from keystead.oauth.bindings.dpop import demands_nonce
from keystead.oauth.bindings.holder import require_holder
from keystead.oauth.context import ServerContext
from keystead.oauth.opaque import OPAQUE_PREFIX, open_access_token
from keystead.storage.ports import get

ACTION: Final = "authz.access"
_ADMITTED: Final = "authz.admitted"
_REMEMBERED: Final = 4_096
_INVALID: Final = "the access token is malformed, expired or revoked"


class Caller(msgspec.Struct, frozen=True):
    """Who calls, and whose stores are open to it: those of `realm`. `headers` go into the reply, on a yes and a no."""

    realm: str
    claims: AccessClaims
    headers: Headers = ()

    @property
    def subject(self) -> str:
        """Whom the token speaks for."""
        return self.claims.sub

    @property
    def client_id(self) -> str:
        """The client it was issued to."""
        return self.claims.client_id


class _Proved(msgspec.Struct, frozen=True):
    """A token that was good at `second`: its caller, its scopes, and what else its holder may have to prove.

    `stores` are the only ones it is for; None: all of the realm.
    """

    second: EpochSeconds
    caller: Caller
    scopes: frozenset[str]
    realm: Realm
    client: Client | None
    bound: bool
    stores: frozenset[str] | None


class Access:
    """The door of the authorization API. `realms` are those whose issuers' tokens may open it. One per process.

    `default_store` is the id of the store that a path without one means.
    """

    def __init__(self, cx: ServerContext, realms: Collection[str], default_store: str = "") -> None:
        base = urlsplit(cx.base_url).path
        self._store = re.compile(rf"{re.escape(base)}/authz{STORES}({ULID.pattern})(?:/|\Z)")
        self._default = (f"{base}/access/v1/", default_store)
        self.audience = authorization_audience(cx.base_url)
        self._cx = cx
        self._issuers = {cx.issuer(realm): realm for realm in realms}
        self._proved: dict[bytes, _Proved] = {}

    async def authorize(self, request: Request, scope: str) -> Caller | Reply:
        """Return who calls, if their token carries the scope; else the reply to send. Raises: StorageError."""
        known = self._known(request)
        if known is not None and scope in known.scopes and (known.stores is None or self._is_for(known, request)):
            return known.caller
        shown: list[AccessClaims] = []
        try:
            return await self._judge(request, scope, shown)
        except TemporarilyUnavailable:
            raise
        except OAuthError as error:
            self._cx.journal.record(_decision(request, scope, shown, error))
            return refusal(error, request, scope)

    def _known(self, request: Request) -> _Proved | None:
        """Return what was proved of the request's token in this very second; None for bound tokens too."""
        if b"access_token" in request.query:
            return None
        found = b""
        for name, value in request.headers:
            if name == b"authorization":
                if found:
                    return None
                found = value
            elif name == b"dpop":
                return None
        proved = self._proved.get(hashlib.sha256(found).digest())
        return proved if proved is not None and proved.second == request.now and not proved.bound else None

    async def _judge(self, request: Request, scope: str, shown: list[AccessClaims]) -> Caller:
        token = token_in_header(request)
        proved = await self._prove(token, request, shown)
        if not self._is_for(proved, request):
            raise InvalidToken("the access token is meant for another store", reason="access_token.audience")
        headers: Headers = ()
        if proved.bound or token.scheme == DPOP:
            request = msgspec.structs.replace(request, realm=proved.caller.realm)
            nonce = demands_nonce(proved.realm, proved.client)
            headers = await require_holder(token, proved.caller.claims, request, self._cx, nonce_demanded=nonce)
        if scope not in proved.scopes:
            raise InsufficientScope(f"the token needs the scope {scope}", reason="access_token.scope")
        return Caller(proved.caller.realm, proved.caller.claims, headers) if headers else proved.caller

    async def _prove(self, token: ShownToken, request: Request, shown: list[AccessClaims]) -> _Proved:
        key = hashlib.sha256(request.header(b"authorization") or b"").digest()
        known = self._proved.pop(key, None)
        if known is not None and known.second == request.now:
            self._proved[key] = known
            shown.append(known.caller.claims)
            return known
        proved = await self._verify(token, request.now, shown)
        if len(self._proved) >= _REMEMBERED:
            del self._proved[next(iter(self._proved))]
        self._proved[key] = proved
        if known is None:
            self._cx.journal.record(_decision(request, "", shown, None))
        return proved

    async def _verify(self, token: ShownToken, now: EpochSeconds, shown: list[AccessClaims]) -> _Proved:
        realm = self._realm_of(token.token)
        if realm is None:
            raise InvalidToken("the access token is of no issuer of this server", reason="access_token.issuer")
        record = await self._cx.store.read(get(Realm, realm, realm, now))
        claims = await read_access_token(token.token, realm, now, self._cx)
        if isinstance(claims, Denied):
            raise _invalid(claims)
        shown.append(claims)
        if record is None or not record.enabled:
            raise InvalidToken(_INVALID, reason="realm.disabled")
        stores = None if self.audience in claims.audiences else self._stores_of(claims)
        if stores is not None and not stores:
            raise InvalidToken(
                f"the access token is meant for another audience: ask for one with resource={self.audience}",
                reason="access_token.audience",
            )
        live = await self._cx.store.read(authority_now(realm, holding_of(claims), now))
        if isinstance(live, Denied):
            raise _invalid(live)
        caller, bound = Caller(realm, claims), claims.cnf is not None
        return _Proved(now, caller, frozenset(claims.scopes), record, live.client, bound, stores)

    def _stores_of(self, claims: AccessClaims) -> frozenset[str]:
        start = f"{self.audience}{STORES}"
        return frozenset(one.removeprefix(start) for one in claims.audiences if one.startswith(start))

    def _is_for(self, proved: _Proved, request: Request) -> bool:
        """Return whether a token is for what a path names: its store, or all there is."""
        if proved.stores is None:
            return True
        named = self._store.match(request.path)
        if named is not None:
            return named[1] in proved.stores
        start, default = self._default
        return request.path.startswith(start) and default in proved.stores

    def _realm_of(self, token: str) -> str | None:
        """Return the realm whose issuer a token says it is of: not yet a proof for a JWT, one for an opaque token."""
        if token.startswith(OPAQUE_PREFIX):
            sealer = self._cx.sealer
            of = (realm for realm in self._issuers.values() if open_access_token(sealer, realm, token) is not None)
            return next(of, None)
        issuer = (peek_claims_unverified(token) or {}).get("iss")
        return self._issuers.get(issuer) if isinstance(issuer, str) else None


def _invalid(denied: Denied) -> InvalidToken:
    return InvalidToken(_INVALID, reason=denied.reason, detail=denied.detail)


def _decision(request: Request, scope: str, shown: list[AccessClaims], error: OAuthError | None) -> Decision:
    claims = shown[-1] if shown else None
    why = _ADMITTED if error is None else error.detail or error.description
    return Decision(
        action=ACTION,
        allowed=error is None,
        reason=error.reason if error is not None else _ADMITTED,
        trace=request.trace,
        subject=claims.sub if claims is not None else "",
        client_id=claims.client_id if claims is not None else "",
        credential=credential_of(claims, "") if claims is not None else None,
        checks=(Check("access_token", error is None, why),),
        facts={"method": request.method, "path": request.path} | ({"scope": scope} if scope else {}),
    )
