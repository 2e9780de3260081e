"""token-exchange: a service trades the token it was called with for one it can call on with, in its own name."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from keystead.core.decisions import Check, Denied
from keystead.core.errors import InvalidGrant, InvalidRequest, InvalidScope, InvalidTarget, UnauthorizedClient
from keystead.core.records.api import Api
from keystead.core.records.realm import Realm
from keystead.core.spec import RFC8693, RFC8707
from keystead.core.tokens import AccessClaims, Actor, MayAct
from keystead.oauth import catalogue
from keystead.oauth import exchanges as exchanges_folder
from keystead.oauth.access_tokens import credential_of, read_access_token
from keystead.oauth.authority import holding_of
from keystead.oauth.authorization_details import narrowed, still_known
from keystead.oauth.client_authentication import Caller
from keystead.oauth.exchange import Exchange, TokenExchangeForm
from keystead.oauth.foreign_subjects import foreign_authority, is_foreign
from keystead.oauth.grant import Attempt, Authority, Grant
from keystead.oauth.identity_chaining import chained_authority, is_for_partner
from keystead.oauth.scopes import Ask, Bounds, split_scope

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a token type
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
REFUSAL: Final = "the subject token is not valid: expired, revoked, or not yours to exchange"

_TYPES: Final = frozenset({ACCESS_TOKEN, JWT})


class TokenExchange(Grant[TokenExchangeForm]):
    """An access token of ours for a short JWT meant for one API, the caller becoming its actor.

    The subject stays who it was; `act` tells who acts for whom, nearest first, and grows by one. Who may reach which
    API is the API's own policy (`exchange.from`). Scope is only ever narrowed: to what the subject token has, what is
    of use at the API or behind it, and what the person's roles allow.
    A subject token of another issuer is worth what `realms.X.trusted_issuers` says. With another `requested_token_type`
    a plug-in of `keystead.oauth.exchanges` takes over.
    Does not: impersonate, take ID or refresh tokens of ours for an access token, or return a refresh token.
    Spec: RFC 8693 sections 2.1, 2.2 and 4.
    """

    grant_type = GRANT_TYPE
    specs = (RFC8693["2.1"], RFC8693["2.2"], RFC8693["4.1"], RFC8693["4.4"], RFC8707["2.2"])
    form = TokenExchangeForm
    events = (
        "token_exchange.public_client",
        "token_exchange.subject_refused",
        "token_exchange.not_the_holder",
        "token_exchange.may_not_act",
        "token_exchange.actor_token_refused",
        "token_exchange.target_refused",
        "token_exchange.chain_too_long",
        "token_exchange.scope_refused",
    )

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return what the kinds of exchange say of themselves."""
        document: dict[str, Any] = {}
        for exchange in exchanges().values():
            document |= exchange.realm_metadata(realm)
        return document

    async def prove(self, form: TokenExchangeForm, attempt: Attempt) -> Authority:
        """Return what the subject token carries to the API, with the caller as its actor."""
        _require_proven_actor(attempt.caller)
        other = exchanges().get(form.requested_token_type)
        if other is not None:
            return await other.prove(form, attempt)
        if form.requested_token_type == JWT and await is_for_partner(form, attempt):
            return await chained_authority(form, attempt)
        if is_foreign(form, attempt.scope_map.issuer):
            return await foreign_authority(form, *_require_target(form, attempt), attempt)
        _require_supported_types(form)
        subject = await read_access_token(form.subject_token, attempt.realm.id, attempt.now, attempt.cx)
        if isinstance(subject, Denied):
            raise InvalidGrant(REFUSAL, reason="token_exchange.subject_refused", detail=subject.detail)
        attempt.credential = credential_of(subject, form.subject_token)
        checks = (
            _require_holder(subject, attempt),
            _require_may_act(subject, attempt.caller),
            await _require_same_actor(form, attempt),
            _require_bearable_chain(subject, attempt),
        )
        target, policy = _require_target(form, attempt)
        return Authority(
            holding=holding_of(subject),
            grant_id=subject.gid,
            authorization_details=narrowed(
                form.authorization_details, still_known(subject.authorization_details, attempt.realm)
            ),
            bounds=_bounds(subject, target, attempt),
            ask=Ask(split_scope(form.scope)),
            refusal=REFUSAL,
            acr=subject.acr,
            amr=subject.amr,
            auth_time=subject.auth_time,
            actor=Actor(attempt.caller.actor, subject.act),
            may_act=MayAct(target.served_by) if target.served_by else None,
            expires_by=subject.exp,
            lifetime=attempt.realm.exchanged_token_lifetime,
            jwt=True,
            issued_token_type=form.requested_token_type or ACCESS_TOKEN,
            checks=(*checks, policy),
        )


@cache
def exchanges() -> dict[str, Exchange]:
    """Return the further kinds of exchange by `requested_token_type`."""
    return catalogue.scan(exchanges_folder, Exchange, "token_type")


def _require_proven_actor(caller: Caller) -> None:
    """Demand that the caller proved who it is: who acts goes into the token, and whoever knows a public client's name
    could act as it. Spec: RFC 8693 section 5."""
    if caller.method == "none":
        raise UnauthorizedClient(
            "a public client cannot prove that it is the one who acts: register a client authentication method",
            reason="token_exchange.public_client",
        )


def _require_supported_types(form: TokenExchangeForm) -> None:
    """Demand types we take and give. Spec: RFC 8693 section 3."""
    if form.subject_token_type not in _TYPES:
        raise InvalidRequest(
            f"the subject_token must be an access token: send subject_token_type={ACCESS_TOKEN}",
            reason="token_exchange.subject_refused",
        )
    if form.requested_token_type not in ("", *_TYPES):
        raise InvalidRequest(
            f"only access tokens are issued: leave requested_token_type out or send {ACCESS_TOKEN}",
            reason="token_exchange.subject_refused",
        )
    if bool(form.actor_token) != bool(form.actor_token_type):
        raise InvalidRequest(
            "actor_token and actor_token_type come together or not at all", reason="token_exchange.actor_token_refused"
        )


def _require_holder(subject: AccessClaims, attempt: Attempt) -> Check:
    """Demand that the token was issued to the caller, or is meant for an API that the caller serves."""
    caller, apis = attempt.caller, attempt.scope_map.apis
    if caller.client.id == subject.client_id:
        return Check("subject_token_holder", True, f"the token was issued to {caller.client.id}")
    for audience in subject.audiences:
        served_by = apis[audience].served_by if audience in apis else ""
        if served_by and caller.is_named(served_by):
            return Check("subject_token_holder", True, f"the token is meant for {audience}, served by {served_by}")
        if caller.is_named(audience):
            return Check("subject_token_holder", True, f"the token is meant for {audience} itself")
    detail = f"{caller.actor} neither got the token nor serves {' '.join(subject.audiences)}"
    raise InvalidGrant(REFUSAL, reason="token_exchange.not_the_holder", detail=detail)


def _require_may_act(subject: AccessClaims, caller: Caller) -> Check:
    """Demand that the caller is the one the token names as its next actor, if it names one."""
    if subject.may_act is None:
        return Check("may_act", True, "the token names nobody as its only next actor")
    if caller.is_named(subject.may_act.sub):
        return Check("may_act", True, f"the token names {subject.may_act.sub} as its next actor")
    detail = f"only {subject.may_act.sub} may act with the token, not {caller.actor}"
    raise InvalidGrant(REFUSAL, reason="token_exchange.may_not_act", detail=detail)


async def _require_same_actor(form: TokenExchangeForm, attempt: Attempt) -> Check:
    """Demand that an actor token, where one is shown, is the caller's own: nobody brings another actor along."""
    if not form.actor_token:
        return Check("actor", True, f"{attempt.caller.actor} acts")
    claims = await read_access_token(form.actor_token, attempt.realm.id, attempt.now, attempt.cx)
    if isinstance(claims, Denied) or form.actor_token_type not in _TYPES or not attempt.caller.is_named(claims.sub):
        raise InvalidRequest(
            "the authenticated client is the actor: leave actor_token out, or send an access token of its own",
            reason="token_exchange.actor_token_refused",
        )
    return Check("actor", True, f"{attempt.caller.actor} acts, and its actor token says the same")


def _require_bearable_chain(subject: AccessClaims, attempt: Attempt) -> Check:
    longest = attempt.realm.maximum_actor_depth
    if len(subject.actors) >= longest:
        raise InvalidGrant(
            REFUSAL, reason="token_exchange.chain_too_long", detail=f"{len(subject.actors)} actors, at most {longest}"
        )
    return Check("actor_chain", True, " for ".join((attempt.caller.actor, *subject.actors, subject.sub)))


def _require_target(form: TokenExchangeForm, attempt: Attempt) -> tuple[Api, Check]:
    """Demand one API that admits the caller. An unknown API and a closed one look the same."""
    named = {*form.audience, *form.resource}
    if len(named) != 1:
        raise InvalidTarget("name exactly one API, by audience or resource", reason="token_exchange.target_refused")
    (name,) = named
    api = attempt.scope_map.apis.get(name)
    if api is None or not attempt.caller.is_named(*api.exchange.sources):
        raise InvalidTarget(
            "there is no such API, or it does not admit this client: its exchange policy must name the client",
            reason="token_exchange.target_refused",
            detail=f"{attempt.caller.actor} asked for {name[:200]}",
        )
    return api, Check("exchange_policy", True, f"{api.id} admits {attempt.caller.actor}")


def _bounds(subject: AccessClaims, target: Api, attempt: Attempt) -> Bounds:
    """Return what of the subject token's scope goes along: the API's, by its policy, and what is of use behind it."""
    own = set(target.exchange.scopes) & set(target.scopes) if target.exchange.scopes else set(target.scopes)
    behind = attempt.scope_map.onward(target.id, attempt.realm.maximum_actor_depth).difference(target.scopes)
    scopes = tuple(scope for scope in subject.scopes if scope in own or scope in behind)
    if target.scopes and not own.intersection(scopes):
        raise InvalidScope(
            "the subject token carries no scope of this API: the person or client was never given one",
            reason="token_exchange.scope_refused",
        )
    if subject.of_person:
        scopes = attempt.scope_map.allowed_by_roles(scopes, subject.roles)
    return Bounds(scopes, target=target.id)
