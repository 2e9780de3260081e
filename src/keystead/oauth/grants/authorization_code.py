"""authorization_code: a person agreed in a browser, and the client that asked comes with the code and its verifier."""

from __future__ import annotations

import hashlib
from hmac import compare_digest
from typing import Annotated, Final

import msgspec

from keystead.core.decisions import Check, Credential, Denied
from keystead.core.errors import InvalidGrant, InvalidRequest
from keystead.core.forms import Form, Line, Token, Word
from keystead.core.jose import base64url
from keystead.core.records.account import Account
from keystead.core.records.authorization_code import CODE_PREFIX, CODE_PURPOSE, AuthorizationCode, decode_code
from keystead.core.spec import OIDC_CORE, RFC6749, RFC7636, RFC8707, RFC9449, RFC9700
from keystead.core.values import EpochSeconds, handle_digest
from keystead.oauth.decided import Spending, authority_of, buy
from keystead.oauth.grant import Attempt, Authority, Grant, Spent
from keystead.oauth.revocations import revoke_grant
from keystead.oauth.scopes import Ask
from keystead.storage.ports import Read, Redeemable, Redeemed, Replayed, Write, get, peek, redeem

REFUSAL: Final = "the authorization code is not valid: expired, used before, revoked, or issued to another client"

Verifier = Annotated[str, msgspec.Meta(min_length=43, max_length=128, pattern=r"^[A-Za-z0-9._~-]+\Z")]


class AuthorizationCodeForm(Form, frozen=True, kw_only=True):
    """The parameters. `code_verifier` goes with the challenge: neither comes without the other."""

    grant_type: Word
    code: Word
    redirect_uri: Line = ""
    code_verifier: Verifier | None = None
    resource: tuple[Line, ...] = ()
    authorization_details: Token = ""


class AuthorizationCodeGrant(Grant[AuthorizationCodeForm]):
    """A code for tokens, once.

    A code shown by another client, for another redirect URI or with another verifier is burnt: whoever has it should
    not. A code shown twice by its own client takes back what it bought.
    Does not: spend the code for a request that asks for too much; that one may be mended and sent again.
    Spec: RFC 6749 section 4.1.3, RFC 7636 section 4.6, RFC 9700 section 2.1.1.
    """

    grant_type = "authorization_code"
    specs = (RFC6749["4.1.3"], RFC7636["4.6"], RFC8707["2.2"], RFC9449["10"], RFC9700["4.5"], OIDC_CORE["3.1.3"])
    form = AuthorizationCodeForm
    events = (
        "authorization_code.unknown",
        "authorization_code.replayed",
        "authorization_code.wrong_client",
        "authorization_code.wrong_redirect_uri",
        "authorization_code.wrong_verifier",
        "authorization_code.wrong_key",
        "authorization_code.expired",
    )

    async def prove(self, form: AuthorizationCodeForm, attempt: Attempt) -> Authority:
        """Return what the person authorized, if the code, the client, the redirect URI and the verifier agree."""
        key, realm, now = handle_digest(form.code), attempt.realm.id, attempt.now
        found = None
        if form.code.startswith(CODE_PREFIX):
            found = await attempt.cx.store.read(_look(realm, key, now))
        if found is None:
            raise _refused("unknown", "no such code in this realm")
        code, account, spent = found
        attempt.credential = _credential(code, attempt)
        if spent:
            await _take_back(code, attempt)
            raise _refused("replayed", f"the code of grant {code.grant_id} came back")
        if form.code_verifier is None and code.code_challenge and code.client_id == attempt.caller.client.id:
            raise InvalidGrant(
                "the code_verifier is missing: the code was asked for with a code_challenge",
                reason="code_verifier.missing",
            )
        if code.redirect_uri and not form.redirect_uri:
            raise InvalidRequest("the parameter redirect_uri is missing", reason="form.parameter")
        wrong = _mismatch(code, form, attempt)
        if wrong is not None:
            await attempt.cx.store.write(lambda: redeem(realm, CODE_PURPOSE, key, now))
            raise _refused(wrong.reason, f"{wrong.detail}; the code is burnt")
        return _authority(code, account, form, attempt)


def _look(realm: str, key: str, now: EpochSeconds) -> Read[tuple[AuthorizationCode, Account | None, bool] | None]:
    found = yield from peek(realm, CODE_PURPOSE, key, now)
    if found is None:
        return None
    code = decode_code(found.payload)
    account = yield from get(Account, realm, code.subject, now)
    return code, account, not isinstance(found, Redeemable)


def _mismatch(code: AuthorizationCode, form: AuthorizationCodeForm, attempt: Attempt) -> Denied | None:
    """Hold the request against what the code is bound to."""
    client_id = attempt.caller.client.id
    if code.client_id != client_id:
        return Denied("wrong_client", f"issued to {code.client_id}, shown by {client_id}")
    if code.redirect_uri != form.redirect_uri:
        return Denied("wrong_redirect_uri", "shown for another redirect_uri than it was issued for")
    if not compare_digest(_challenge(form.code_verifier), code.code_challenge.encode()):
        return Denied("wrong_verifier", "the code_verifier is not the one behind the code_challenge")
    if code.binding and code.binding != attempt.binding.text:
        return Denied("wrong_key", "bound to a key that the request does not prove")
    if code.expires_at <= attempt.now:
        return Denied("expired", f"expired {attempt.now - code.expires_at} s ago")
    return None


def _challenge(verifier: str | None) -> bytes:
    """Return the challenge a verifier answers; no verifier answers only no challenge (RFC 9700 section 4.8.2)."""
    if verifier is None:
        return b""
    return base64url.encode(hashlib.sha256(verifier.encode()).digest())


async def _take_back(code: AuthorizationCode, attempt: Attempt) -> None:
    """Revoke what a replayed code bought, when it is its own client that shows it: a stranger may not end a grant."""
    if code.client_id == attempt.caller.client.id:
        realm, now = attempt.realm.id, attempt.now
        await attempt.cx.store.write(lambda: revoke_grant(realm, code.grant_id, "authorization_code.replayed", now))


def _authority(
    code: AuthorizationCode, account: Account | None, form: AuthorizationCodeForm, attempt: Attempt
) -> Authority:
    spending = Spending(
        ask=Ask(resources=form.resource),
        authorization_details=form.authorization_details,
        refusal=REFUSAL,
        checks=_CHECKS,
        spend=lambda: _redeem(code, handle_digest(form.code), attempt),
    )
    return authority_of(code, account, attempt, spending)


def _redeem(code: AuthorizationCode, key: str, attempt: Attempt) -> Write[Spent | Denied]:
    """Spend the code and store the grant and the refresh family it buys, or take back what it bought before."""
    realm, now = attempt.realm.id, attempt.now
    outcome = yield from redeem(realm, CODE_PURPOSE, key, now)
    if isinstance(outcome, Replayed):
        yield from revoke_grant(realm, code.grant_id, "authorization_code.replayed", now)
    if not isinstance(outcome, Redeemed):
        return Denied("authorization_code.replayed", f"the code of grant {code.grant_id} came back")
    return (yield from buy(code, attempt))


def _credential(code: AuthorizationCode, attempt: Attempt) -> Credential:
    return Credential(
        kind="authorization_code",
        issuer=attempt.scope_map.issuer,
        subject=code.subject,
        client_id=code.client_id,
        scope=code.scopes,
        acr=code.acr,
        expires_at=code.expires_at,
    )


def _refused(reason: str, detail: str) -> InvalidGrant:
    return InvalidGrant(REFUSAL, reason=f"authorization_code.{reason}", detail=detail)


_CHECKS: Final = (
    Check("code_client", True, "the code was issued to this client"),
    Check("code_redirect_uri", True, "for this redirect URI"),
    Check("code_verifier", True, "to whoever knows this verifier (PKCE S256)"),
)
