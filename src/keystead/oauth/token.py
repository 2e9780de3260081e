"""The /token pipeline: nine numbered steps, in this order, for every grant.

    1 parse                 the form of the grant that is named
    2 authenticate client   exactly one method, the one the client registered
    3 sender binding        the key the sender proves to hold, if any
    4 grant allowed         for this client
    5 prove                 the grant's own step: who, for whom, how far
    6 clamp                 scope and resource, never beyond what was proved, asked, or the person's roles allow
    7 authority now         account, session, client, consent, grant, workload: still live, in the transaction that
                            spends what was proved and stores what it buys
    8 mint                  access token, ID token, refresh token
    9 audit                 one decision, whatever happened

Does not: know a grant type. `keystead.oauth.catalogue` lists the plug-ins.
Spec: RFC 6749 section 3.2, 5.1 and 5.2.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.decisions import Check, Credential, Decision, Denied
from keystead.core.errors import (
    InvalidGrant,
    InvalidRequest,
    OAuthError,
    StorageError,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from keystead.core.forms import Parameters, read_body, read_form
from keystead.core.http import NO_STORE, Headers, Reply, Request, json_reply
from keystead.core.tokens import AccessClaims
from keystead.core.values import handle_digest
from keystead.oauth import issue
from keystead.oauth.access_tokens import credential_of
from keystead.oauth.authority import Live, authority_now
from keystead.oauth.authorization_details import concerning, locations_of
from keystead.oauth.catalogue import client_authentications, grants
from keystead.oauth.client_authentication import authenticate_client
from keystead.oauth.context import ServerContext
from keystead.oauth.errors import error_reply, storage_failed
from keystead.oauth.grant import GRANT_TYPE_NAME, Attempt, Authority, Grant, Spent
from keystead.oauth.id_token import mint_id_token, pushed_claims
from keystead.oauth.landscape import landscape
from keystead.oauth.protection import Protection, id_token_protection
from keystead.oauth.scopes import Given, clamp, require_one_api
from keystead.oauth.sender_binding import bind_sender
from keystead.oauth.stamps import Stamp
from keystead.oauth.status_lists import entered
from keystead.storage.ports import Read, Write

ACTION: Final = "token.issue"
_NOTHING: Final = Credential(kind="none")

_GONE: Final = {
    "password": "the password grant is not served: use authorization_code with PKCE",
    "implicit": "the implicit grant is not served: use authorization_code with PKCE",
}


class TokenDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. Spec: RFC 6749 section 5.1, RFC 8693 section 2.2.1."""

    access_token: str
    expires_in: int
    scope: str
    token_type: str = "Bearer"  # noqa: S105 - a token type
    refresh_token: str | msgspec.UnsetType = msgspec.UNSET
    id_token: str | msgspec.UnsetType = msgspec.UNSET
    issued_token_type: str | msgspec.UnsetType = msgspec.UNSET
    authorization_details: tuple[dict[str, Any], ...] | msgspec.UnsetType = msgspec.UNSET


class Minted(msgspec.Struct, frozen=True):
    """What step 8 made: the document that goes out, and the claims the audit may see."""

    document: TokenDocument
    claims: AccessClaims
    headers: Headers = NO_STORE


async def answer(request: Request, cx: ServerContext) -> Reply:
    """Answer one token request. Expected failures are replies; storage failures escape to the server."""
    progress = Progress(request)
    try:
        minted = await _run(progress, cx)
    except OAuthError as error:
        cx.journal.record(progress.refused(error))
        return error_reply(error)
    except StorageError as error:
        cx.journal.record(progress.refused(storage_failed(error)))
        raise
    cx.journal.record(progress.issued(minted))
    return json_reply(minted.document, headers=minted.headers)


async def _run(progress: Progress, cx: ServerContext) -> Minted:
    request = progress.request
    # 1 parse
    parameters = read_body(request)
    grant = _grant(parameters)
    progress.grant_type = grant.grant_type
    form = read_form(parameters, grant.form)
    # 2 authenticate client
    caller = await authenticate_client(request, parameters, cx, client_authentications())
    # 3 sender binding
    land = await landscape(cx, request.realm, request.now)
    binding = await bind_sender(request, caller.client, land.realm, cx)
    attempt = Attempt(request, cx, land.realm, land.scope_map, caller, binding, caller.credential, list(caller.checks))
    progress.attempt = attempt
    # 4 grant allowed for client
    _require_allowed(grant, attempt)
    # 5 prove
    authority = await grant.prove(form, attempt)
    attempt.checks.extend(authority.checks)
    return await finish(attempt, authority)


async def finish(attempt: Attempt, authority: Authority) -> Minted:
    """Run steps 6 to 8 for an authority that is proved: the way of every token, also of those that are pushed."""
    # 6 clamp
    given, authority = _clamp(authority, attempt)
    protection = await _id_token_protection(authority, attempt)
    # 7 authority now, together with what is spent
    live, spent = await _settle(authority, attempt)
    # 8 mint
    return await _mint(attempt, authority, given, (live, spent), protection)


def _grant(parameters: Parameters) -> Grant[Any]:
    name = parameters.get("grant_type")
    if not isinstance(name, str):
        raise InvalidRequest("the parameter grant_type is missing", reason="grant_type.missing")
    grant = grants().get(name)
    if grant is None:
        raise UnsupportedGrantType(
            _GONE.get(name, f"there is no such grant type here; choose one of {', '.join(sorted(grants()))}"),
            reason="grant_type.unsupported",
            detail=name if GRANT_TYPE_NAME.fullmatch(name) else f"a text with digest {handle_digest(name)[:12]}",
        )
    return grant


def _require_allowed(grant: Grant[Any], attempt: Attempt) -> None:
    client = attempt.caller.client
    if grant.grant_type not in client.grant_types:
        raise UnauthorizedClient(
            f"this client is not registered for the grant {grant.grant_type}: add it to the client's grant_types",
            reason="grant_type.not_allowed",
            detail=f"client {client.id} has {', '.join(client.grant_types)}",
        )
    attempt.checks.append(Check("grant_type", True, f"{client.id} may use {grant.grant_type}"))


def _clamp(authority: Authority, attempt: Attempt) -> tuple[Given, Authority]:
    given = clamp(authority.ask, authority.bounds, attempt.scope_map)
    if authority.authorization_details:
        given, authority = _aim(given, authority, attempt)
    if authority.jwt:
        require_one_api(given, attempt.scope_map)
    attempt.checks.append(Check("scope", True, f"{' '.join(given.scopes) or 'no scope'}, within what was proved"))
    attempt.checks.append(Check("resource", True, " ".join(given.audiences)))
    return given, authority


def _aim(given: Given, authority: Authority, attempt: Attempt) -> tuple[Given, Authority]:
    """Where nobody named a resource, the token is for the details' APIs too; else only what concerns those goes along.

    Spec: RFC 9396 sections 6 and 9.
    """
    details, bounds, realm = authority.authorization_details, authority.bounds, attempt.realm
    if authority.ask.resources or bounds.resources or bounds.target:
        kept = concerning(details, given.audiences, realm)
        return given, msgspec.structs.replace(authority, authorization_details=kept)
    places = (place for place in locations_of(details, realm) if place in attempt.scope_map.apis)
    owners = given.audiences if given.scopes else ()
    audiences = tuple(dict.fromkeys((*places, *owners))) or given.audiences
    return Given(given.scopes, audiences), authority


async def _id_token_protection(authority: Authority, attempt: Attempt) -> Protection:
    """Return how the ID token will travel: a client whose key cannot be had must not lose its code over it."""
    if not authority.id_token:
        return Protection()
    return await id_token_protection(attempt.caller.client, attempt.realm, attempt.now, attempt.cx)


async def _settle(authority: Authority, attempt: Attempt) -> tuple[Live, Spent]:
    """Ask whether the authority stands and spend what it was proved with, at one snapshot."""
    store = attempt.cx.store
    if authority.spend is None:
        outcome = await store.read(_look(authority, attempt))
    else:
        outcome = await store.write(lambda: _spend(authority, attempt))
    if isinstance(outcome, Denied):
        raise InvalidGrant(authority.refusal, reason=outcome.reason, detail=outcome.detail)
    attempt.checks.append(Check("authority_now", True, "everything the token rests on is live"))
    return outcome


def _look(authority: Authority, attempt: Attempt) -> Read[tuple[Live, Spent] | Denied]:
    live = yield from authority_now(attempt.realm.id, authority.holding, attempt.now)
    return live if isinstance(live, Denied) else (live, Spent())


def _spend(authority: Authority, attempt: Attempt) -> Write[tuple[Live, Spent] | Denied]:
    live = yield from authority_now(attempt.realm.id, authority.holding, attempt.now)
    if isinstance(live, Denied) or authority.spend is None:
        return live if isinstance(live, Denied) else (live, Spent())
    spent = yield from authority.spend()
    return spent if isinstance(spent, Denied) else (live, spent)


async def _mint(
    attempt: Attempt, authority: Authority, given: Given, settled: tuple[Live, Spent], protection: Protection
) -> Minted:
    live, spent = settled
    claims = issue.access_claims(attempt, authority, given, live)
    if authority.stamp is not None:
        return await _stamped(attempt, authority, authority.stamp, claims)
    if authority.jwt and attempt.realm.status_lists:
        claims = await entered(claims, attempt.realm.id, attempt.cx)
    access_token = await issue.mint_access_token(claims, attempt.realm.id, attempt.cx, jwt=authority.jwt)
    id_token: str | msgspec.UnsetType = msgspec.UNSET
    if authority.auth_req_id:
        authority = msgspec.structs.replace(authority, told=pushed_claims(authority, spent, protection.signing))
    if authority.id_token:
        id_token = await mint_id_token(attempt, authority, live, access_token, protection)
    document = TokenDocument(
        access_token=access_token,
        expires_in=claims.exp - claims.iat,
        scope=claims.scope,
        token_type=attempt.binding.token_type,
        authorization_details=claims.authorization_details or msgspec.UNSET,
        refresh_token=spent.refresh_token or msgspec.UNSET,
        id_token=id_token,
        issued_token_type=authority.issued_token_type or msgspec.UNSET,
    )
    return Minted(document, claims, attempt.binding.headers)


async def _stamped(attempt: Attempt, authority: Authority, stamp: Stamp, claims: AccessClaims) -> Minted:
    """Mint what is no access token. Spec: RFC 8693 section 2.2.1 (`N_A`)."""
    document = TokenDocument(
        access_token=await issue.mint_stamped(claims, stamp, attempt.realm.id, attempt.cx),
        expires_in=claims.exp - claims.iat,
        scope=claims.scope,
        token_type="N_A",  # noqa: S106 - a token type
        issued_token_type=authority.issued_token_type,
    )
    return Minted(document, claims, attempt.binding.headers)


class Progress:
    """How far one request has come, so that the audit can tell it whatever happens."""

    __slots__ = ("attempt", "grant_type", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.grant_type = ""
        self.attempt: Attempt | None = None

    def issued(self, minted: Minted) -> Decision:
        """Return the decision of a request that got its tokens."""
        issued = credential_of(minted.claims, minted.document.access_token)
        return self._decision("token.issued", issued, (), {})

    def refused(self, error: OAuthError) -> Decision:
        """Return the decision of a request that was refused: the check it failed comes last."""
        why = error.detail or error.description
        failed = Check(error.reason, False, why)
        return self._decision(error.reason, None, (failed,), {"error": error.code, "detail": why})

    def _decision(
        self, reason: str, issued: Credential | None, failed: tuple[Check, ...], facts: dict[str, str]
    ) -> Decision:
        attempt, caller = self.attempt, self.attempt.caller if self.attempt is not None else None
        shown = attempt.credential if attempt is not None else None
        return Decision(
            action=ACTION,
            allowed=issued is not None,
            reason=reason,
            trace=self.request.trace,
            realm=self.request.realm,
            subject=(issued or shown or _NOTHING).subject,
            client_id=caller.client.id if caller is not None else "",
            credential=shown,
            issued=issued,
            checks=(*(attempt.checks if attempt is not None else ()), *failed),
            facts={
                "grant_type": self.grant_type,
                "client_authentication": caller.method if caller is not None else "",
                **facts,
            },
        )
