"""The verifier: a bearer token goes in, a `VerifiedCaller` or a `Refused` comes out. It trusts nobody and calls nobody.

Flow: are our keys fresh -> signature, kind and shape (`core.jose`) -> issuer, audience, times -> who acts for whom ->
revoked meanwhile? -> what this call demands (scope, acr, age of sign-in, actors). What a token says is remembered,
under the token's digest and the keys that proved it, until it expires; what a call demands is asked every time.
Spec: RFC 9068 section 4, RFC 6750 section 3, RFC 8693 section 4.1, RFC 9470, RFC 8725 section 3.
Does not: accept opaque tokens, tokens of other kinds, tokens from a query or body, or an audience by default.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from keystead.core.decisions import Check, Credential
from keystead.core.errors import ConfigurationError
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.claims import Expectation, audiences, check_claims
from keystead.core.jose.jws import MAXIMUM_TOKEN, read
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Rejected, VerifiedToken
from keystead.core.tokens import ACCESS_TOKEN_TYPE, AccessClaims
from keystead.core.trace import TraceContext, new_trace
from keystead.core.values import EpochSeconds
from keystead.sdk.caller import Refused, VerifiedCaller, caller_of
from keystead.sdk.demand import Demand, challenge, demand
from keystead.sdk.holder import HolderChecks, SenderConstraint
from keystead.sdk.issuer import Issuer
from keystead.sdk.issuer_keys import IssuerKeys, KeyPolicy
from keystead.sdk.presented import DPOP, Presented
from keystead.sdk.revocation_feed import FollowedRevocations, follow
from keystead.sdk.revocations import RevocationPolicy, Revocations, Watched

MAXIMUM_ACTORS: Final = 8
_REMEMBERED: Final = 4_096
_KINDS: Final = frozenset((ACCESS_TOKEN_TYPE,))
_NO_TRACE: Final = TraceContext("", "")
_REQUIRED: Final = ("sub", "client_id", "iat", "jti")


class _Proved(NamedTuple):
    """A token that was good: by which keys, what it says, and the checks that say so."""

    keys: KeySet
    claims: AccessClaims
    caller: VerifiedCaller
    checks: tuple[Check, ...]
    watched: Watched


class Verifier:
    """Verifies the access tokens of one issuer for one audience.

    `issuer` and `audience` are mandatory and compared exactly. `keys` says how old the issuer's keys may be.
    `revocations` says how old the news of what died early may be; by default the issuer's feed is followed, and after
    a minute without news nothing is accepted. The attribute of that name tells how old it is. `sender` says how tokens
    bound to a key are checked, and whether others are good at all. Make one verifier per service and keep it.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        algorithms: Collection[str] = ALGORITHMS,
        keys: KeyPolicy | None = None,
        revocations: RevocationPolicy | Revocations | None = None,
        sender: SenderConstraint | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        danger_allow_plain_http: bool = False,
        danger_ignore_revocations: bool = False,
    ) -> None:
        if type(audience) is not str or not audience.strip():
            raise ConfigurationError("audience is mandatory: the resource indicator that tokens for this service name")
        if not algorithms or not ALGORITHMS.issuperset(algorithms):
            raise ConfigurationError(f"algorithms must be some of {', '.join(sorted(ALGORITHMS))}")
        self.issuer = Issuer(issuer, tls=tls, danger_allow_plain_http=danger_allow_plain_http)
        self.audience = audience
        self._keys = IssuerKeys(self.issuer, frozenset(algorithms), keys, timer)
        self.revocations: Revocations | None = None
        if revocations is None or isinstance(revocations, RevocationPolicy):
            if not danger_ignore_revocations:
                feed = follow(issuer, tls, danger_allow_plain_http=danger_allow_plain_http)
                self.revocations = FollowedRevocations(feed, revocations or RevocationPolicy())
        else:
            self.revocations = revocations
        self._settled = self.revocations is None
        self._clock = clock
        self._holders = HolderChecks(sender, audience)
        self._proved: dict[bytes, _Proved] = {}

    async def verify(
        self,
        token: str,
        scopes: str | Collection[str] = (),
        *,
        acr_values: str | Collection[str] = (),
        max_auth_age: int | None = None,
        actors: str | Collection[str] | None = None,
    ) -> VerifiedCaller | Refused:
        """Check one bearer token against what one call demands. Never raises on any token.

        A token that is bound to a key is refused: only `judge` is told how it was shown.
        """
        return await self.judge(token, demand(scopes, acr_values, max_auth_age, actors))

    async def judge(
        self, shown: Presented | str, wanted: Demand, trace: TraceContext | None = None
    ) -> VerifiedCaller | Refused:
        """Check one token, and who shows it, against a demand made beforehand, within a trace.

        A text is a bearer token of which no more is known: bound ones are refused then.
        """
        if isinstance(shown, str):
            shown = Presented(shown)
        keys = await self._keys.current()
        if keys is None:
            return _unavailable("keys.unavailable", "issuer keys", self._keys.last_failure)
        revocations = self.revocations
        if revocations is not None and not self._settled:
            await revocations.settle()
            self._settled = True
        if revocations is not None and not revocations.fresh():
            return _unavailable("revocations.stale", "revocation", "news of revocation does not arrive in time")
        now = EpochSeconds(int(self._clock()))
        proved = await self._prove(shown.token, keys, now)
        if isinstance(proved, Refused):
            return proved
        if proved.claims.cnf is not None or shown.scheme == DPOP or self._holders.required:
            held = await self._holders.check(proved.claims, shown, now)
            if isinstance(held, Refused):
                failed = held.checks or (Check("holder", False, held.description),)
                shown_here = proved.caller.credential()
                return msgspec.structs.replace(held, checks=(*proved.checks, *failed), credential=shown_here)
            caller = msgspec.structs.replace(proved.caller, next_nonce=held.next_nonce)
            proved = proved._replace(caller=caller, checks=(*proved.checks, *held.checks))
        return self._decide(proved, wanted, trace or new_trace(), now)

    def _decide(
        self, proved: _Proved, wanted: Demand, trace: TraceContext, now: EpochSeconds
    ) -> VerifiedCaller | Refused:
        """Check what may differ from call to call: revocation, and the demand."""
        caller, checks = proved.caller, proved.checks
        if self.revocations is not None:
            alive = self.revocations.check(proved.watched)
            checks = (*checks, alive)
            if not alive.passed:
                refused = challenge("token.revoked", "invalid_token", "the token was revoked")
                return msgspec.structs.replace(refused, checks=checks, credential=caller.credential())
        met, unmet = wanted.unmet(caller, now)
        if unmet is not None:
            return msgspec.structs.replace(unmet, checks=(*checks, *met), credential=caller.credential())
        return msgspec.structs.replace(caller, trace=trace, checks=(*checks, *met))

    async def _prove(self, token: str, keys: KeySet, now: EpochSeconds) -> _Proved | Refused:
        """Return what a token says, once it is proved that the issuer says it, to us, now."""
        if len(token) > MAXIMUM_TOKEN:
            return _invalid("jwt.too_large", "longer than any token of ours")
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._proved.pop(digest, None)
        if known is not None and known.keys is keys and now < known.claims.exp:
            self._proved[digest] = known
            return known
        outcome = read(token, keys=keys, typ=_KINDS)
        if isinstance(outcome, Rejected) and outcome.reason == "jwt.key_unknown":
            keys = await self._keys.with_unknown() or keys
            outcome = read(token, keys=keys, typ=_KINDS)
        if isinstance(outcome, Rejected):
            return _invalid(outcome.reason, outcome.detail)
        proved = self._believe(outcome, token, keys, now)
        if isinstance(proved, _Proved):
            if len(self._proved) >= _REMEMBERED:
                del self._proved[next(iter(self._proved))]
            self._proved[digest] = proved
        return proved

    def _believe(self, token: VerifiedToken, text: str, keys: KeySet, now: EpochSeconds) -> _Proved | Refused:
        header = token.header
        signature = Check("signature", True, f"{header.algorithm} by key {header.kid} of {self.issuer.url}")
        expected = Expectation(issuer=self.issuer.url, audience=self.audience, now=now, required=_REQUIRED)
        checked = check_claims(token.claims, expected)
        if isinstance(checked, Rejected):
            refused = _invalid(checked.reason, checked.detail, (signature, *checked.checks))
            return msgspec.structs.replace(refused, credential=_shown(token.claims))
        try:
            claims = msgspec.convert(token.claims, AccessClaims)
        except msgspec.ValidationError as error:
            return _invalid("jwt.claim_malformed", str(error), (signature, *checked))
        if len(claims.actors) > MAXIMUM_ACTORS:
            return _invalid("token.actors_malformed", f"more than {MAXIMUM_ACTORS} actors", (signature, *checked))
        caller = caller_of(claims, token.claims, text, _NO_TRACE)
        return _Proved(keys, claims, caller, (signature, *checked), Watched(claims, header.kid or ""))

    async def close(self) -> None:
        """Let go of open connections."""
        self.revocations = None
        await self._keys.close()
        await self.issuer.close()


def _invalid(reason: str, why: str, checks: tuple[Check, ...] = ()) -> Refused:
    """Refuse a token. The caller learns that it is invalid; the log learns why."""
    refused = challenge(reason, "invalid_token", _PUBLIC.get(reason, "the token is not valid here"))
    return msgspec.structs.replace(refused, checks=checks or (Check("token", False, why),))


def _unavailable(reason: str, name: str, why: str) -> Refused:
    description = "this service cannot check tokens at the moment"
    return Refused(
        reason=reason,
        status=503,
        error="temporarily_unavailable",
        description=description,
        checks=(Check(name, False, why),),
    )


def _shown(said: Mapping[str, Any]) -> Credential:
    """Return what a genuine token of the issuer says that is refused all the same."""
    texts = {name: str(said.get(name, "")) for name in ("iss", "sub", "client_id", "scope", "jti")}
    return Credential(
        kind="jwt_access_token",
        issuer=texts["iss"],
        audience=audiences(said),
        subject=texts["sub"],
        client_id=texts["client_id"],
        scope=tuple(texts["scope"].split()),
        token_id=texts["jti"],
    )


_PUBLIC: Final = {
    "jwt.expired": "the token has expired",
    "jwt.audience": "the token is meant for another audience",
    "jwt.issuer": "the token is of another issuer",
    "jwt.not_yet_valid": "the token is not valid yet",
    "jwt.type": "this kind of token is not accepted here",
}
