"""What a person decided, turned into tokens: the same whether it came by a code, a device or the back channel.

Flow: the dispatcher writes the decision down as an `AuthorizationCode` -> a grant plug-in finds it and asks
`authority_of` what it amounts to now -> when it is spent, `buy` stores the grant and begins the refresh family.
Does not: say what proves the right to spend it. Each grant does.
"""

from __future__ import annotations

import msgspec

from keystead.core.decisions import Check
from keystead.core.records.account import Account
from keystead.core.records.authorization_code import AuthorizationCode
from keystead.core.records.grant import Grant as GrantRecord
from keystead.core.values import EpochSeconds
from keystead.oauth.authority import Holding
from keystead.oauth.authorization_details import locations_of, narrowed, still_open
from keystead.oauth.families import begin_family
from keystead.oauth.grant import Attempt, Authority, Spend, Spent
from keystead.oauth.revocations import store
from keystead.oauth.scopes import Ask, Bounds
from keystead.storage.ports import Write


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """How a decision is spent: what the request asks of it, the public words of any refusal, and the transaction.

    `authorization_details` is the parameter of the token request, which may narrow what was decided.
    """

    ask: Ask
    authorization_details: str = ""
    refusal: str
    checks: tuple[Check, ...]
    spend: Spend


def authority_of(
    decided: AuthorizationCode, account: Account | None, attempt: Attempt, spending: Spending
) -> Authority:
    """Return what a decision amounts to now: bounded by the client's scope and the person's roles of today."""
    client, roles = attempt.caller.client, account.roles if account is not None else ()
    allowed = set(attempt.allowed_scopes())
    scopes = tuple(scope for scope in decided.scopes if scope in allowed)
    details = still_open(decided.authorization_details, attempt.realm, client)
    return Authority(
        authorization_details=narrowed(spending.authorization_details, details),
        holding=Holding(
            client_id=client.id,
            subject=decided.subject,
            sid=decided.sid,
            scopes=scopes,
            roles=roles,
            authority_epoch=decided.authority_epoch,
        ),
        grant_id=decided.grant_id,
        bounds=Bounds(
            attempt.scope_map.allowed_by_roles(scopes, roles),
            decided.resources,
            bare=locations_of(details, attempt.realm),
        ),
        ask=spending.ask,
        refusal=spending.refusal,
        acr=decided.acr,
        amr=decided.amr,
        auth_time=decided.auth_time,
        nonce=decided.nonce,
        claims=decided.claims,
        jwt=client.wants_jwt,
        id_token="openid" in scopes,
        checks=spending.checks,
        spend=spending.spend,
    )


def buy(decided: AuthorizationCode, attempt: Attempt) -> Write[Spent]:
    """Store the grant a decision buys, and begin its refresh family where the client has one."""
    realm, now = attempt.realm, attempt.now
    refreshes = "refresh_token" in attempt.caller.client.grant_types
    lifetime = realm.refresh_token_lifetime if refreshes else attempt.scope_map.longest_lifetime(realm)
    grant = GrantRecord(
        realm=realm.id,
        id=decided.grant_id,
        subject=decided.subject,
        client_id=decided.client_id,
        sid=decided.sid,
        scopes=decided.scopes,
        resources=decided.resources,
        acr=decided.acr,
        amr=decided.amr,
        auth_time=decided.auth_time,
        nonce=decided.nonce,
        claims=decided.claims,
        authorization_details=decided.authorization_details,
        authority_epoch=decided.authority_epoch,
        created_at=now,
        expires_at=EpochSeconds(now + lifetime),
        offline="offline_access" in decided.scopes,
        binding=attempt.refresh_binding,
    )
    yield from store(grant, now)
    if not refreshes:
        return Spent()
    return Spent((yield from begin_family(grant, attempt)))
