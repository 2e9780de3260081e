"""The approval API: an authenticator app shows a person what waits for them, and takes their answer."""

from __future__ import annotations

from typing import Any, Final

from keystead.core.decisions import Check, Decision, Denied
from keystead.core.errors import InsufficientScope, InvalidRequest, InvalidToken, OAuthError
from keystead.core.forms import Form, Word, read_body, read_form
from keystead.core.http import Reply, Request, json_reply
from keystead.core.records.account import Account
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.records.client import Client
from keystead.core.spec import CIBA, RFC6750
from keystead.core.tokens import AccessClaims
from keystead.oauth.access_tokens import credential_of, read_access_token
from keystead.oauth.authority import authority_now, holding_of
from keystead.oauth.backchannel_answers import Proof, allow, decision_of, pending_for, refuse, remember_consent
from keystead.oauth.bearer import shown_token
from keystead.oauth.bindings.holder import require_holder
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import resource_error_reply
from keystead.oauth.landscape import landscape
from keystead.oauth.outcomes.ciba import CibaOutcome
from keystead.oauth.still_registered import has_grant
from keystead.storage.ports import Read, Write, get

ACTION: Final = "ciba.answer"
SCOPE: Final = "ciba:approve"


class AnswerForm(Form, frozen=True, kw_only=True):
    """The person's answer to one request: `allow` or `deny`."""

    request: Word
    decision: Word


class CibaRequestsEndpoint(EndpointPlugin):
    """What waits for a person, and their answer, for an authenticator app that holds their token.

    The operator opens it by an API with the audience `{issuer}/ciba` and the scope `ciba:approve`.
    Shape: GET lists `{"requests": [{request, client_id, client_name, scope, authorization_details, resource,
    binding_message, asked_at, expires_in}]}`;
    POST `request`, `decision` (`allow` or `deny`) answers one.
    Spec: OpenID Connect CIBA Core section 8 (how the person is asked is the issuer's business).
    """

    path = "ciba/requests"
    methods = frozenset({"GET", "POST"})
    specs = (CIBA["8"], RFC6750["2.1"])
    maximum_body = 4_096

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one call."""
        shown: list[AccessClaims] = []
        try:
            account, claims = await _person(request, cx, shown)
            if request.method == "GET":
                return json_reply({"requests": await cx.store.read(_listed(account, request))})
            reason = await _answer(request, account, claims, cx)
        except OAuthError as error:
            _record(request, shown, error.reason, cx, allowed=False)
            return resource_error_reply(error, request)
        _record(request, shown, reason, cx, allowed=True)
        return json_reply({"answered": True})


async def _person(request: Request, cx: ServerContext, shown: list[AccessClaims]) -> tuple[Account, AccessClaims]:
    """Return the person whose app asks. Raises: InvalidToken, InsufficientScope."""
    token = shown_token(request)
    claims = await read_access_token(token.token, request.realm, request.now, cx)
    if isinstance(claims, Denied):
        raise _invalid(claims)
    shown.append(claims)
    if f"{cx.issuer(request.realm)}/ciba" not in claims.audiences:
        raise _invalid(Denied("access_token.audience", "the token is not meant for the approval API"))
    live = await cx.store.read(authority_now(request.realm, holding_of(claims), request.now))
    if isinstance(live, Denied):
        raise _invalid(live)
    await require_holder(token, claims, request, cx, nonce_demanded=False)
    if SCOPE not in claims.scopes:
        raise InsufficientScope(f"the token needs the scope {SCOPE}", reason="access_token.scope")
    if live.account is None or claims.act is not None:
        raise _invalid(Denied("access_token.no_person", "the token is not a person's own"))
    return live.account, claims


def _listed(account: Account, request: Request) -> Read[list[dict[str, Any]]]:
    listed = []
    for waiting in (yield from pending_for(request.realm, account.id, request.now)):
        client = yield from get(Client, request.realm, waiting.client_id, request.now)
        listed.append(
            {
                "request": waiting.id,
                "client_id": waiting.client_id,
                "client_name": (client.client_name if client is not None else "") or waiting.client_id,
                "scope": " ".join(waiting.request.scopes),
                **_details(waiting),
                "binding_message": waiting.binding_message,
                "asked_at": waiting.begun_at,
                "expires_in": waiting.ends_at - request.now,
            }
        )
    return listed


def _details(waiting: AwaitedDecision) -> dict[str, Any]:
    """Return what exactly is asked for, and where: nobody allows what they were not shown. Spec: RFC 9396 section 7."""
    found = {"authorization_details": waiting.request.authorization_details, "resource": waiting.request.resources}
    return {name: value for name, value in found.items() if value}


async def _answer(request: Request, account: Account, claims: AccessClaims, cx: ServerContext) -> str:
    form = read_form(read_body(request), AnswerForm)
    if form.decision not in ("allow", "deny"):
        raise InvalidRequest("decision is allow or deny", reason="ciba.decision")
    waiting = await cx.store.read(get(AwaitedDecision, request.realm, form.request, request.now))
    if waiting is None or waiting.purpose != "ciba" or waiting.subject != account.id:
        raise InvalidRequest("nothing of this name waits for this person", reason="ciba.not_theirs")
    client = await cx.store.read(get(Client, request.realm, waiting.client_id, request.now))
    if not has_grant(client, CibaOutcome.grant_type):
        raise InvalidRequest("the client may not ask any more", reason="ciba.client_gone")
    scope_map = (await landscape(cx, request.realm, request.now)).scope_map
    proof = Proof(claims.acr, claims.amr, claims.auth_time, claims.sid)

    def work() -> Write[bool]:
        if form.decision == "deny":
            return (yield from refuse(waiting, request.now, cx))
        decided = decision_of(waiting, account, proof, scope_map)
        if not (yield from allow(waiting, decided, request.now, cx)):
            return False
        yield from remember_consent(decided, request.realm, request.now)
        return True

    if not await cx.store.write(work):
        raise InvalidRequest("it was answered already, or took too long", reason="ciba.answered_before")
    return "ciba.allowed" if form.decision == "allow" else "ciba.refused"


def _invalid(denied: Denied) -> InvalidToken:
    return InvalidToken(
        "the access token is malformed, expired, revoked or meant for another",
        reason=denied.reason,
        detail=denied.detail,
    )


def _record(request: Request, shown: list[AccessClaims], reason: str, cx: ServerContext, *, allowed: bool) -> None:
    claims = shown[0] if shown else None
    cx.journal.record(
        Decision(
            action=ACTION,
            allowed=allowed,
            reason=reason,
            trace=request.trace,
            realm=request.realm,
            subject=claims.sub if claims is not None else "",
            client_id=claims.client_id if claims is not None else "",
            credential=credential_of(claims, "") if claims is not None else None,
            checks=(Check("person_decides", allowed, "the person answered in an authenticator app"),),
        )
    )
