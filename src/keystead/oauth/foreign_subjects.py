"""Token exchange with a subject token of another trust domain: the same APIs, another way to say who it is about.

Spec: RFC 8693 section 2.1 (a subject token of another issuer), RFC 7523 section 3.
"""

from __future__ import annotations

from typing import Final

from keystead.core.decisions import Check, Denied
from keystead.core.errors import InvalidGrant
from keystead.core.jose import jws
from keystead.core.records.account import Account
from keystead.core.records.api import Api
from keystead.core.records.grant import new_grant_id
from keystead.core.tokens import Actor, MayAct
from keystead.oauth.asserted_subjects import asserted_account
from keystead.oauth.authority import Holding
from keystead.oauth.exchange import TokenExchangeForm
from keystead.oauth.grant import Attempt, Authority
from keystead.oauth.grants.jwt_bearer import REFUSAL, require_bearer, spend_for_person, spend_only, within
from keystead.oauth.scopes import Ask, Bounds, split_scope
from keystead.oauth.trusted_issuers import Asserted, read_assertion

_ASSERTIONS: Final = frozenset({"urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"})
_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a token type


def is_foreign(form: TokenExchangeForm, issuer: str) -> bool:
    """Return whether the subject token says that another issuer made it. Chooses the reader, proves nothing."""
    if form.subject_token_type not in _ASSERTIONS:
        return False
    named = (jws.peek_claims_unverified(form.subject_token) or {}).get("iss")
    return isinstance(named, str) and named != issuer


async def foreign_authority(form: TokenExchangeForm, target: Api, policy: Check, attempt: Attempt) -> Authority:
    """Return what a trusted issuer's assertion carries to an API of this realm."""
    asserted = await read_assertion(form.subject_token, attempt.realm.id, attempt.cx, attempt.now)
    if isinstance(asserted, Denied) or asserted.entry.id_jag:
        denied = asserted if isinstance(asserted, Denied) else Denied("assertion.refused", "an ID-JAG is no subject")
        raise InvalidGrant(REFUSAL, reason=denied.reason, detail=denied.detail)
    attempt.credential = asserted.credential
    attempt.checks.extend((*asserted.checks, policy))
    if asserted.entry.account is None:
        return _workload_authority(asserted, form, target, attempt)
    require_bearer(asserted, attempt)
    account = await attempt.cx.store.read(asserted_account(asserted, attempt.now))
    if isinstance(account, Denied):
        raise InvalidGrant(REFUSAL, reason=account.reason, detail=account.detail)
    return _person_authority(asserted, account, form, target, attempt)


def _workload_authority(asserted: Asserted, form: TokenExchangeForm, target: Api, attempt: Attempt) -> Authority:
    """Return the authority of the workload or client the assertion speaks for, the caller acting for it if another."""
    entry, caller = asserted.entry, attempt.caller
    subject = entry.workload or entry.client
    return Authority(
        holding=Holding(client_id=caller.client.id, subject=subject),
        bounds=Bounds(within(entry.scope, _open(target)), target=target.id),
        ask=Ask(split_scope(form.scope)),
        refusal=REFUSAL,
        actor=None if caller.is_named(subject) else Actor(caller.actor),
        may_act=MayAct(target.served_by) if target.served_by else None,
        lifetime=attempt.realm.exchanged_token_lifetime,
        jwt=True,
        issued_token_type=form.requested_token_type or _ACCESS_TOKEN,
        spend=lambda: spend_only(asserted, attempt),
    )


def _person_authority(
    asserted: Asserted, account: Account, form: TokenExchangeForm, target: Api, attempt: Attempt
) -> Authority:
    scopes = attempt.scope_map.allowed_by_roles(within(asserted.entry.scope, _open(target)), account.roles)
    grant_id = new_grant_id()
    return Authority(
        holding=Holding(
            client_id=attempt.caller.client.id,
            subject=account.id,
            scopes=scopes,
            roles=account.roles,
            authority_epoch=account.authority_epoch,
        ),
        grant_id=grant_id,
        bounds=Bounds(scopes, target=target.id),
        ask=Ask(split_scope(form.scope)),
        refusal=REFUSAL,
        acr="0",
        actor=Actor(attempt.caller.actor),
        may_act=MayAct(target.served_by) if target.served_by else None,
        lifetime=attempt.realm.exchanged_token_lifetime,
        jwt=True,
        issued_token_type=form.requested_token_type or _ACCESS_TOKEN,
        spend=lambda: spend_for_person(asserted, account, grant_id, attempt),
    )


def _open(target: Api) -> tuple[str, ...]:
    allowed = target.exchange.scopes
    return tuple(scope for scope in target.scopes if not allowed or scope in allowed)
