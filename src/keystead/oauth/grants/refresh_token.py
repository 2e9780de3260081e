"""refresh_token: the client goes on acting for a person who agreed earlier."""

from __future__ import annotations

from typing import Final

from keystead.core.decisions import Check, Credential, Denied
from keystead.core.errors import InvalidGrant
from keystead.core.forms import Form, Line, Token, Word
from keystead.core.records.account import Account
from keystead.core.records.grant import Grant as GrantRecord
from keystead.core.spec import OIDC_CORE, RFC6749, RFC8707, RFC9396, RFC9449, RFC9700
from keystead.core.values import EpochSeconds, handle_digest
from keystead.oauth.authority import Holding
from keystead.oauth.authorization_details import locations_of, narrowed, still_open
from keystead.oauth.families import is_live_member, rotate_family
from keystead.oauth.grant import Attempt, Authority, Grant, Spent
from keystead.oauth.profiles import profile_of
from keystead.oauth.refresh_tokens import RefreshToken, read_refresh_token
from keystead.oauth.revocations import revoke_grant
from keystead.oauth.scopes import Ask, Bounds, split_scope
from keystead.storage.ports import Read, Reused, Superseded, Write, WrongBinding, get

REFUSAL: Final = "the refresh token is not valid: expired, used before, revoked, or issued to another client"


class RefreshTokenForm(Form, frozen=True, kw_only=True):
    """The parameters. `scope`, `resource` and `authorization_details` may narrow, never widen."""

    grant_type: Word
    refresh_token: Word
    scope: Line = ""
    resource: tuple[Line, ...] = ()
    authorization_details: Token = ""


class RefreshTokenGrant(Grant[RefreshTokenForm]):
    """A refresh token for the next one, and an access token with it (decision 0008).

    A retry of the immediate predecessor, while its successor is unused, replaces that successor; any other reuse
    revokes the family. Everything the grant rests on is asked again, and the scopes are bounded by the client's scope
    and the person's roles of today.
    Where the client's profile does not rotate (FAPI 2.0), the token stands, bound to the client and its key, and the
    answer brings no other.
    Does not: change the grant. A narrower request narrows its access token only.
    Spec: RFC 6749 section 6, RFC 9700 sections 2.2.2 and 4.14.2.
    """

    grant_type = "refresh_token"
    specs = (RFC6749["6"], RFC8707["2.2"], RFC9396["6"], RFC9449["5"], RFC9700["4.14.2"], OIDC_CORE["12"])
    form = RefreshTokenForm
    events = (
        "refresh_token.malformed",
        "refresh_token.ended",
        "refresh_token.wrong_client",
        "refresh_token.wrong_key",
        "refresh_token.superseded",
        "refresh_token.reused",
    )

    async def prove(self, form: RefreshTokenForm, attempt: Attempt) -> Authority:
        """Return what the grant behind the token still amounts to."""
        shown = read_refresh_token(attempt.cx.sealer, attempt.realm.id, form.refresh_token)
        if shown is None:
            raise _refused("malformed", "not a refresh token of this realm")
        grant, account = await attempt.cx.store.read(_look(shown, attempt))
        if grant is None:
            raise _refused("ended", f"grant {shown.grant_id} is over")
        attempt.credential = _credential(grant, attempt)
        if grant.client_id != attempt.caller.client.id:
            raise _refused("wrong_client", f"issued to {grant.client_id}, shown by {attempt.caller.client.id}")
        if grant.binding and grant.binding != attempt.binding.text:
            raise _refused("wrong_key", "bound to a key that the request does not prove")
        return _authority(grant, account, shown, form, attempt)


def _look(shown: RefreshToken, attempt: Attempt) -> Read[tuple[GrantRecord | None, Account | None]]:
    realm, now = attempt.realm.id, attempt.now
    grant = yield from get(GrantRecord, realm, shown.grant_id, now)
    account = (yield from get(Account, realm, grant.subject, now)) if grant is not None else None
    return grant, account


def _authority(
    grant: GrantRecord, account: Account | None, shown: RefreshToken, form: RefreshTokenForm, attempt: Attempt
) -> Authority:
    client, roles = attempt.caller.client, account.roles if account is not None else ()
    allowed = set(attempt.allowed_scopes())
    scopes = tuple(scope for scope in grant.scopes if scope in allowed)
    details = still_open(grant.authorization_details, attempt.realm, client)
    return Authority(
        authorization_details=narrowed(form.authorization_details, details),
        holding=Holding(
            client_id=client.id, subject=grant.subject, sid=grant.sid, grant_id=grant.id, scopes=scopes, roles=roles
        ),
        grant_id=grant.id,
        bounds=Bounds(
            attempt.scope_map.allowed_by_roles(scopes, roles),
            grant.resources,
            bare=locations_of(details, attempt.realm),
        ),
        ask=Ask(split_scope(form.scope), form.resource),
        refusal=REFUSAL,
        acr=grant.acr,
        amr=grant.amr,
        auth_time=grant.auth_time,
        claims=grant.claims,
        jwt=client.wants_jwt,
        id_token="openid" in scopes,
        checks=(Check("refresh_client", True, "the refresh token was issued to this client"),),
        spend=lambda: _use(grant, shown, handle_digest(form.refresh_token), attempt),
    )


def _use(grant: GrantRecord, shown: RefreshToken, digest: str, attempt: Attempt) -> Write[Spent | Denied]:
    """Rotate the token, or let it stand: a profile that binds refresh tokens has no use for rotation."""
    if profile_of(attempt.caller.client).rotate_refresh:
        return (yield from _rotate(grant, shown, digest, attempt))
    if not (yield from is_live_member(grant, digest, attempt)):
        return Denied("refresh_token.ended", f"not the live token of grant {grant.id}")
    return Spent()


def _rotate(grant: GrantRecord, shown: RefreshToken, digest: str, attempt: Attempt) -> Write[Spent | Denied]:
    outcome = yield from rotate_family(grant, shown, digest, attempt)
    if isinstance(outcome, str):
        return Spent(outcome)
    if isinstance(outcome, Reused):
        yield from revoke_grant(grant.realm, grant.id, "refresh_token.reused", attempt.now)
        return Denied("refresh_token.reused", f"a spent token of grant {grant.id} came back: the family is revoked")
    if isinstance(outcome, Superseded):
        return Denied("refresh_token.superseded", "a retry replaced this token by another, which is still unused")
    if isinstance(outcome, WrongBinding):
        return Denied("refresh_token.wrong_client", "the family is bound to another client or key")
    return Denied("refresh_token.ended", f"the refresh family of grant {grant.id} is over")


def _credential(grant: GrantRecord, attempt: Attempt) -> Credential:
    return Credential(
        kind="refresh_token",
        issuer=attempt.scope_map.issuer,
        subject=grant.subject,
        client_id=grant.client_id,
        scope=grant.scopes,
        acr=grant.acr,
        expires_at=grant.expires_at or EpochSeconds(0),
        token_id=grant.id,
    )


def _refused(reason: str, detail: str) -> InvalidGrant:
    return InvalidGrant(REFUSAL, reason=f"refresh_token.{reason}", detail=detail)
