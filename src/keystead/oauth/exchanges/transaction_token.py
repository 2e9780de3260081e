"""txn_token: a transaction token, the context of one call from outside for every service it passes."""

from __future__ import annotations

import uuid
from typing import Any, Final

import msgspec

from keystead.core.decisions import Check, Denied
from keystead.core.errors import InvalidGrant, InvalidRequest, InvalidScope, InvalidTarget
from keystead.core.jose import jws
from keystead.core.jose.claims import Expectation, check_claims
from keystead.core.jose.outcomes import Rejected
from keystead.core.records.account import Account
from keystead.core.records.transaction_rules import TransactionRules
from keystead.core.spec import TRANSACTION_TOKENS
from keystead.core.strict_json import NotStrictJson, parse_object
from keystead.core.tokens import PERSON_PREFIX, TRANSACTION_TYPE, AccessClaims
from keystead.core.values import EpochSeconds, Seconds
from keystead.oauth.authority import Holding, holding_of
from keystead.oauth.exchange import Exchange, TokenExchangeForm
from keystead.oauth.grant import Attempt, Authority
from keystead.oauth.identity_assertions import read_held
from keystead.oauth.scopes import Ask, Bounds, split_scope
from keystead.oauth.stamps import Stamp
from keystead.storage.ports import get

TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:txn_token"  # noqa: S105 - a token type
REFUSAL: Final = "the subject token is not valid: expired, revoked, or not yours to go on with"
MAXIMUM_CONTEXT: Final = 4_096
MOST_WORKLOADS: Final = 8

_ACCESS_TOKENS: Final = frozenset(
    {"urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:token-type:jwt"}
)
_REQUIRED: Final = ("txn", "sub", "scope", "req_wl", "client_id", "iat")


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """What a transaction is about, new or gone on with."""

    id: str
    holding: Holding
    scopes: tuple[str, ...]
    workloads: tuple[str, ...]
    details: dict[str, Any]
    context: dict[str, Any]
    expires_by: EpochSeconds


class TransactionTokenExchange(Exchange):
    """An access token (or a transaction token) for a transaction token of the realm's trust domain.

    A new one gets a fresh `txn`; a replacement keeps `txn`, `sub` and `aud`, narrows the scope, may add to `tctx` and
    `rctx` but change nothing in them, tells in `req_wl` who asked before, and lives no longer. Whatever it rests on is
    asked again each time. `tctx` is made of `request_details`, `rctx` of `request_context`.
    Does not: take a refresh token, contain the access token, or serve as one.
    Spec: draft-ietf-oauth-transaction-tokens sections 9, 11 and 13.15.
    """

    token_type = TOKEN_TYPE
    specs = (
        TRANSACTION_TOKENS["9"],
        TRANSACTION_TOKENS["11.1"],
        TRANSACTION_TOKENS["11.3"],
        TRANSACTION_TOKENS["11.4"],
    )
    events = (
        "transaction.target_refused",
        "transaction.subject_refused",
        "transaction.scope_missing",
        "transaction.context_malformed",
        "transaction.context_changed",
        "transaction.chain_too_long",
    )

    async def prove(self, form: TokenExchangeForm, attempt: Attempt) -> Authority:
        """Return the authority the transaction carries."""
        rules = attempt.realm.transaction_tokens
        replaces = form.subject_token_type == TOKEN_TYPE
        _require_party(form, rules, attempt, replaces=replaces)
        if not form.scope:
            raise InvalidScope("scope says what the transaction is for: send it", reason="transaction.scope_missing")
        found = await (_gone_on_with(form, rules, attempt) if replaces else _begun(form, attempt))
        if isinstance(found, Denied):
            raise InvalidGrant(REFUSAL, reason="transaction.subject_refused", detail=found.detail)
        transaction = _extended(found, form, attempt)
        return Authority(
            holding=transaction.holding,
            grant_id=transaction.holding.grant_id,
            bounds=Bounds(_still_owned(transaction.scopes, attempt), target=rules.trust_domain),
            ask=Ask(split_scope(form.scope)),
            refusal=REFUSAL,
            expires_by=transaction.expires_by,
            lifetime=Seconds(rules.lifetime),
            jwt=True,
            issued_token_type=TOKEN_TYPE,
            checks=(Check("transaction", True, f"{transaction.id}, asked for by {' '.join(transaction.workloads)}"),),
            stamp=Stamp(TRANSACTION_TYPE, lambda claims: _members(claims, transaction)),
        )


def _require_party(form: TokenExchangeForm, rules: TransactionRules, attempt: Attempt, *, replaces: bool) -> None:
    """Demand a caller that may ask, for the realm's own trust domain."""
    allowed = rules.replaced_by if replaces else rules.sources
    named = form.audience == (rules.trust_domain,) and not form.resource
    if not rules.trust_domain or not named or not attempt.caller.is_named(*allowed):
        raise InvalidTarget(
            "there is no such trust domain, or this client may not have transaction tokens for it",
            reason="transaction.target_refused",
            detail=f"{attempt.caller.actor} asked for {' '.join(form.audience)[:200]}",
        )


async def _begun(form: TokenExchangeForm, attempt: Attempt) -> Transaction | Denied:
    if form.subject_token_type not in _ACCESS_TOKENS:
        raise InvalidRequest(
            "the subject_token must be an access token of this issuer, or a transaction token",
            reason="transaction.subject_refused",
        )
    claims = await read_held(form.subject_token, attempt)
    if isinstance(claims, Denied):
        return claims
    scopes = claims.scopes
    if claims.of_person:
        scopes = attempt.scope_map.allowed_by_roles(scopes, claims.roles)
    return Transaction(
        id=str(uuid.uuid4()),
        holding=holding_of(claims),
        scopes=scopes,
        workloads=(),
        details={},
        context={},
        expires_by=claims.exp,
    )


async def _gone_on_with(form: TokenExchangeForm, rules: TransactionRules, attempt: Attempt) -> Transaction | Denied:
    keys = await attempt.cx.keys.key_set(attempt.realm.id, attempt.now)
    token = jws.read(form.subject_token, keys=keys, typ=frozenset({TRANSACTION_TYPE}))
    if isinstance(token, Rejected):
        return Denied("transaction", f"{token.reason}: {token.detail}")
    claims = token.claims
    checks = check_claims(
        claims,
        Expectation(
            issuer=attempt.scope_map.issuer,
            audience=rules.trust_domain,
            now=attempt.now,
            required=_REQUIRED,
            only_audience=True,
        ),
    )
    if isinstance(checks, Rejected):
        return Denied("transaction", f"{checks.reason}: {checks.detail}")
    return Transaction(
        id=claims["txn"],
        holding=Holding(
            client_id=claims["client_id"],
            subject=claims["sub"],
            sid=claims.get("sid", ""),
            grant_id=claims.get("gid", ""),
            scopes=tuple(claims["scope"].split()),
        ),
        scopes=await _scopes_now(claims, attempt),
        workloads=tuple(claims["req_wl"].split(",")),
        details=claims.get("tctx", {}),
        context=claims.get("rctx", {}),
        expires_by=EpochSeconds(claims["exp"]),
    )


async def _scopes_now(claims: dict[str, Any], attempt: Attempt) -> tuple[str, ...]:
    """Return the transaction's scopes that the person's roles of today still allow."""
    scopes = tuple(claims["scope"].split())
    if not claims["sub"].startswith(PERSON_PREFIX):
        return scopes
    account = await attempt.cx.store.read(get(Account, attempt.realm.id, claims["sub"], attempt.now))
    return attempt.scope_map.allowed_by_roles(scopes, account.roles if account is not None else ())


def _still_owned(scopes: tuple[str, ...], attempt: Attempt) -> tuple[str, ...]:
    """Return those scopes that some enabled API, or the issuer, still has."""
    return tuple(scope for scope in scopes if scope in attempt.scope_map.owners)


def _extended(found: Transaction, form: TokenExchangeForm, attempt: Attempt) -> Transaction:
    """Return the transaction with what this request adds. Nothing that was said before changes."""
    if len(found.workloads) >= MOST_WORKLOADS:
        raise InvalidGrant(REFUSAL, reason="transaction.chain_too_long", detail=f"{len(found.workloads)} before it")
    return msgspec.structs.replace(
        found,
        workloads=(*found.workloads, attempt.caller.actor),
        details=_added(found.details, _object("request_details", form.request_details)),
        context=_added(found.context, _object("request_context", form.request_context)),
    )


def _object(name: str, text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        return parse_object(text.encode(), maximum_bytes=MAXIMUM_CONTEXT)
    except NotStrictJson as error:
        raise InvalidRequest(
            f"{name} is not one JSON object: {error}", reason="transaction.context_malformed"
        ) from None


def _added(before: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    changed = sorted(name for name in before.keys() & more.keys() if before[name] != more[name])
    if changed:
        raise InvalidRequest(
            f"what a transaction says does not change on its way: {', '.join(changed)[:200]}",
            reason="transaction.context_changed",
        )
    return {**before, **more}


def _members(claims: AccessClaims, transaction: Transaction) -> dict[str, Any]:
    """Return the claims of the token; `sid`, `gid` and `client_id` let it die with what it rests on."""
    members: dict[str, Any] = {
        "iss": claims.iss,
        "iat": claims.iat,
        "exp": claims.exp,
        "aud": claims.aud,
        "txn": transaction.id,
        "sub": claims.sub,
        "scope": claims.scope,
        "req_wl": ",".join(transaction.workloads),
        "tctx": transaction.details,
        "rctx": transaction.context,
        "client_id": transaction.holding.client_id,
        "sid": claims.sid,
        "gid": claims.gid,
    }
    return {name: value for name, value in members.items() if value}
