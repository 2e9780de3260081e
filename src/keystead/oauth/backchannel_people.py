"""Whom a backchannel authentication request is about: one hint says, and the person's own code where they have one.

Does not: tell a client more than the specification's errors do; asking for nobody often makes a client wait.
Spec: OpenID Connect CIBA Core sections 7.1 and 13.
"""

from __future__ import annotations

from typing import Final

from keystead.core.decisions import Denied
from keystead.core.errors import AccessDenied, InvalidRequest, TemporarilyUnavailable
from keystead.core.person_codes import is_person_code
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.session import Session
from keystead.core.tokens import PERSON_PREFIX
from keystead.core.values import EpochSeconds
from keystead.core.waiting_errors import ExpiredLoginHintToken, InvalidUserCode, MissingUserCode, UnknownUserId
from keystead.oauth.asserted_subjects import asserted_account
from keystead.oauth.backchannel_request import BackchannelForm
from keystead.oauth.checks.id_token_hint import read_id_token_hint
from keystead.oauth.context import ServerContext
from keystead.oauth.decryption import opened_hint
from keystead.oauth.trusted_issuers import read_assertion
from keystead.oauth.verified_addresses import holders_of
from keystead.storage.ports import Read, find, get, only

_LONGEST_HINT: Final = 256
_HINT: Final = "hint"
_CODE: Final = "person_code"


class Seeker:
    """One client looking for one person."""

    def __init__(self, client: Client, realm: str, now: EpochSeconds, cx: ServerContext) -> None:
        self.client, self.realm, self.now, self.cx = client, realm, now, cx

    async def find(self, form: BackchannelForm) -> Account:
        """Return the person the request names. Raises: InvalidRequest, UnknownUserId, ExpiredLoginHintToken."""
        hints = [hint for hint in (form.login_hint, form.id_token_hint, form.login_hint_token) if hint]
        if len(hints) != 1:
            raise InvalidRequest(
                "send exactly one of login_hint, id_token_hint and login_hint_token", reason="ciba.hints"
            )
        brake, client_id, now = self.cx.brake, self.client.id, self.now
        wait = await self.cx.store.write(lambda: brake.take(self.realm, _HINT, client_id, now))
        if wait:
            raise TemporarilyUnavailable("too many hints named nobody: wait, then try again", reason="ciba.throttled")
        account = await self._named(form)
        if isinstance(account, Denied) or not account.enabled:
            detail = account.detail if isinstance(account, Denied) else "the account is disabled"
            raise UnknownUserId("the hint names nobody here", reason="ciba.unknown_user", detail=detail)
        await self.cx.store.write(lambda: brake.forgive(self.realm, _HINT, client_id, now))
        return account

    async def _named(self, form: BackchannelForm) -> Account | Denied:
        if form.login_hint:
            return await self.cx.store.read(_by_login_hint(self.realm, form.login_hint, self.now))
        if form.id_token_hint:
            return await self._by_id_token(form.id_token_hint)
        return await self._by_hint_token(form.login_hint_token)

    async def _by_id_token(self, hint: str) -> Account | Denied:
        keys = await self.cx.keys.key_set(self.realm, self.now)
        hint = await opened_hint(hint, self.realm, self.now, self.cx)
        claims = read_id_token_hint(hint, keys, self.cx.issuer(self.realm))
        if isinstance(claims, Denied) or claims.get("aud") not in (self.client.id, [self.client.id]):
            raise InvalidRequest("the id_token_hint is no ID token of this client", reason="ciba.id_token_hint")
        sid = claims.get("sid")
        return await self.cx.store.read(
            _by_subject(self.realm, claims["sub"], sid if isinstance(sid, str) else "", self.now)
        )

    async def _by_hint_token(self, token: str) -> Account | Denied:
        """Believe a trusted issuer's word about a person, for a client that issuer's entry names."""
        asserted = await read_assertion(token, self.realm, self.cx, self.now)
        if isinstance(asserted, Denied):
            if "jwt.expired" in asserted.detail:
                raise ExpiredLoginHintToken("the login_hint_token is expired", reason="ciba.hint_token_expired")
            raise InvalidRequest(
                "the login_hint_token is not acceptable", reason="ciba.hint_token", detail=asserted.detail
            )
        if self.client.id not in asserted.entry.clients:
            return Denied("ciba.hint_token", f"{asserted.entry.id} does not speak of people to {self.client.id}")
        return await self.cx.store.read(asserted_account(asserted, self.now))

    async def require_code(self, account: Account, code: str) -> None:
        """Demand the person's code, where the client takes one and the person has one. Guesses are braked.

        Raises: MissingUserCode, InvalidUserCode, AccessDenied.
        """
        if not (self.client.backchannel_user_code_parameter and account.user_code_mac):
            return
        if not code:
            raise MissingUserCode("the person's code must come with the request", reason="ciba.code_missing")
        brake, realm, now, about = self.cx.brake, self.realm, self.now, account.id
        if await self.cx.store.write(lambda: brake.take(realm, _CODE, about, now)):
            raise AccessDenied("too many wrong codes: wait, then try again", reason="ciba.code_throttled")
        if not is_person_code(self.cx.sealer, realm, account.id, code, account.user_code_mac):
            raise InvalidUserCode("that is not the person's code", reason="ciba.code_wrong")
        await self.cx.store.write(lambda: brake.forgive(realm, _CODE, about, now))


def _by_login_hint(realm: str, hint: str, now: EpochSeconds) -> Read[Account | Denied]:
    """Return whom a login hint names: by user name, or by an address that is verified and only theirs."""
    nobody = Denied("ciba.unknown_user", "no account has this user name or verified address")
    if len(hint) > _LONGEST_HINT:
        return nobody
    account = only((yield from find(Account, realm, now, index="username", value=hint, limit=1)))
    if account is not None:
        return account
    found = yield from holders_of(realm, hint, now)
    return found[0] if len(found) == 1 and found[0].email_verified else nobody


def _by_subject(realm: str, subject: str, sid: str, now: EpochSeconds) -> Read[Account | Denied]:
    """Return whom an ID token names; of a pairwise subject only its session tells."""
    if not subject.startswith(PERSON_PREFIX):
        session = (yield from get(Session, realm, sid, now)) if sid else None
        subject = session.subject if session is not None else ""
    account = (yield from get(Account, realm, subject, now)) if subject else None
    return account or Denied("ciba.unknown_user", "the ID token's subject is gone")
