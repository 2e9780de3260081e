"""One attempt to sign in: may it be made, is it right, and the one transaction that makes it a session.

Flow: count the attempt (throttle) -> find the account -> check the password, known account or not -> write session,
interaction and forgiveness together.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from keystead.core.assurance import assurance
from keystead.core.decisions import Check, Credential, Decision
from keystead.core.http import Request
from keystead.core.protocols import PasswordsBusy
from keystead.core.records.account import Account
from keystead.core.records.session import Evidence
from keystead.core.values import EpochSeconds, Secret
from keystead.identity.accounts import account_by_username
from keystead.identity.new_passwords import BREACHED
from keystead.identity.sessions import NewSession, SignedIn, sign_in
from keystead.identity.throttle import Bucket, Wait, buckets, forgive, take_attempt, uncount
from keystead.oauth.context import ServerContext
from keystead.oauth.interactions import change_interaction
from keystead.oauth.situation import Situation
from keystead.storage.ports import Write, get, put


@dataclass(frozen=True, slots=True)
class Entered:
    """What was typed, and what the browser showed besides."""

    username: str
    password: Secret
    address: str
    known_browser: str
    user_agent: str
    previous_digest: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, and the situation it was made in."""

    request: Request
    situation: Situation
    entered: Entered


@dataclass(frozen=True, slots=True)
class Wrong:
    """Not let in. Why is for the journal only."""

    reason: str


@dataclass(frozen=True, slots=True)
class Proved:
    """A right password: whose, its hash with today's parameters, and whether attackers know it too."""

    account: Account
    fresh_hash: str
    breached: bool


async def try_password(attempt: Attempt, cx: ServerContext) -> SignedIn | Wait | Wrong:
    """Return the new session, or how long to wait, or that it was wrong.

    Raises: PasswordsBusy, in which case the attempt does not count.
    """
    realm, now, entered = attempt.request.realm, attempt.request.now, attempt.entered
    counted = buckets(entered.username, entered.address, entered.known_browser)
    wait = await cx.store.write(lambda: take_attempt(realm, counted, now))
    if wait is not None:
        _record(attempt, cx, None, "sign_in.throttled", f"wait {wait.seconds} s ({wait.bucket})")
        return wait
    account = await cx.store.read(account_by_username(realm, entered.username, now))
    try:
        right = await cx.passwords.check(entered.password, account.password_hash if account is not None else "")
    except PasswordsBusy:
        await cx.store.write(lambda: uncount(realm, counted, now))
        raise
    if account is None or not right or not account.enabled:
        outcome = Wrong(_why(account, right))
        _record(attempt, cx, account, outcome.reason, "user name and password do not let anybody in")
        return outcome
    proved = Proved(
        account, await _fresh_hash(cx, entered.password, account), await cx.breached.knows(entered.password)
    )
    signed_in = await cx.store.write(lambda: _let_in(attempt, proved, counted))
    if signed_in is None:
        _record(attempt, cx, account, "sign_in.account_changed", "the account changed while the password was checked")
        return Wrong("sign_in.account_changed")
    _record(attempt, cx, account, "sign_in.password", "Argon2id says the password is right", signed_in)
    return signed_in


def _why(account: Account | None, right: bool) -> str:
    if account is None:
        return "sign_in.unknown_account"
    return "sign_in.disabled_account" if right else "sign_in.wrong_password"


async def _fresh_hash(cx: ServerContext, password: Secret, account: Account) -> str:
    """Return a hash with today's parameters when the stored one is older; a busy pool is no reason to refuse."""
    if not cx.passwords.outdated(account.password_hash):
        return account.password_hash
    try:
        return await cx.passwords.hash(password)
    except PasswordsBusy:
        return account.password_hash


def _let_in(attempt: Attempt, proved: Proved, counted: tuple[Bucket, ...]) -> Write[SignedIn | None]:
    """Write the session, and with it all that a right password changes. None: the account is not what was checked."""
    now: EpochSeconds = attempt.request.now
    checked = proved.account
    situation, entered = attempt.situation, attempt.entered
    account = yield from get(Account, checked.realm, checked.id, now)
    if account is None or not account.enabled or account.password_hash != checked.password_hash:
        return None
    changed = msgspec.structs.replace(
        account,
        password_hash=proved.fresh_hash,
        new_password_due=BREACHED if proved.breached else account.new_password_due,
    )
    if changed != account:
        yield from put(changed, now)
    yield from forgive(checked.realm, counted, now)
    signed_in = yield from sign_in(
        situation.realm,
        NewSession(
            account=account,
            evidence=Evidence("pwd", now),
            user_agent=entered.user_agent,
            previous_digest=entered.previous_digest,
        ),
    )
    if situation.interaction is not None:
        yield from change_interaction(msgspec.structs.replace(situation.interaction, signed_in_at=now), now)
    return signed_in


def _record(
    attempt: Attempt,
    cx: ServerContext,
    account: Account | None,
    reason: str,
    why: str,
    signed_in: SignedIn | None = None,
) -> None:
    request = attempt.request
    issuer = cx.issuer(request.realm)
    issued: Credential | None = None
    if signed_in is not None:
        session = signed_in.session
        expires_at = session.expires_at or 0
        issued = Credential(
            "session_cookie",
            issuer,
            (issuer,),
            session.subject,
            acr=assurance(session.evidence).acr,
            lifetime=expires_at - request.now,
            expires_at=expires_at,
            token_id=session.id,
        )
    throttle = Check("throttle", reason != "sign_in.throttled", "attempts are counted before they are judged")
    password = Check("password", signed_in is not None, why)
    cx.journal.record(
        Decision(
            action="session.sign_in",
            allowed=signed_in is not None,
            reason=reason,
            trace=request.trace,
            realm=request.realm,
            subject=account.id if account is not None else "",
            client_id=attempt.situation.interaction.client_id if attempt.situation.interaction else "",
            issued=issued,
            checks=(throttle, password) if throttle.passed else (Check("throttle", False, why),),
            facts={"browser": "known" if attempt.entered.known_browser else "new"},
        )
    )
