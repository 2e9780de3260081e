"""Transaction tokens: what a service inside the trust domain believes about the call from outside that it works for.

Flow: take the header `Txn-Token` -> `verify` -> a `VerifiedTransaction` -> send the token on, unchanged, in it.
Spec: draft-ietf-oauth-transaction-tokens sections 9 and 12.2.
Does not: say who calls. A transaction token is no credential; the caller's own access token is checked beside it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import msgspec

from keystead.core.decisions import Check
from keystead.core.errors import ConfigurationError
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.claims import Expectation, check_claims
from keystead.core.jose.jws import read
from keystead.core.jose.outcomes import Rejected, VerifiedToken
from keystead.core.tokens import TRANSACTION_TYPE, AccessClaims
from keystead.core.values import EpochSeconds, Secret
from keystead.sdk.caller import Refused
from keystead.sdk.issuer import Issuer
from keystead.sdk.issuer_keys import IssuerKeys, KeyPolicy
from keystead.sdk.revocations import Revocations, Watched

HEADER: Final = "Txn-Token"
_REQUIRED: Final = ("txn", "sub", "scope", "req_wl", "client_id", "iat")
_KINDS: Final = frozenset((TRANSACTION_TYPE,))


class VerifiedTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction as its token tells it.

    `transaction` is its id (`txn`), the same in every service; `details` (`tctx`) is what is to be done, `context`
    (`rctx`) where it came from, `workloads` who asked for the token, first one first. `token` is for the next service.
    """

    transaction: str
    subject: str
    scopes: frozenset[str]
    details: Mapping[str, Any]
    context: Mapping[str, Any]
    workloads: tuple[str, ...]
    issued_at: EpochSeconds
    expires_at: EpochSeconds
    token: Secret
    checks: tuple[Check, ...] = ()


class TransactionVerifier:
    """Verifies transaction tokens of one issuer for one trust domain.

    `revocations` are those of the service's `Verifier` (its attribute of that name), so that a transaction dies with
    the session or grant it rests on; None leaves them to their short life.
    """

    def __init__(
        self,
        *,
        issuer: str,
        trust_domain: str,
        revocations: Revocations | None,
        algorithms: Collection[str] = ALGORITHMS,
        keys: KeyPolicy | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        danger_allow_plain_http: bool = False,
    ) -> None:
        if not trust_domain.strip():
            raise ConfigurationError("trust_domain is mandatory: the audience of this realm's transaction tokens")
        self.issuer = Issuer(issuer, tls=tls, danger_allow_plain_http=danger_allow_plain_http)
        self.trust_domain = trust_domain
        self.revocations = revocations
        self._keys = IssuerKeys(self.issuer, frozenset(algorithms), keys)
        self._clock = clock

    async def verify(self, token: str, scopes: Collection[str] = ()) -> VerifiedTransaction | Refused:
        """Check one token, and that its purpose covers `scopes`. Never raises on any token."""
        keys = await self._keys.current()
        if keys is None:
            return _refused("keys.unavailable", self._keys.last_failure, status=503)
        if self.revocations is not None:
            await self.revocations.settle()
            if not self.revocations.fresh():
                return _refused("revocations.stale", "news of revocation does not arrive in time", status=503)
        outcome = read(token, keys=keys, typ=_KINDS)
        if isinstance(outcome, Rejected) and outcome.reason == "jwt.key_unknown":
            outcome = read(token, keys=await self._keys.with_unknown() or keys, typ=_KINDS)
        if isinstance(outcome, Rejected):
            return _refused(outcome.reason, outcome.detail)
        return self._believe(outcome, token, scopes)

    def _believe(self, verified: VerifiedToken, token: str, scopes: Collection[str]) -> VerifiedTransaction | Refused:
        claims, now = verified.claims, EpochSeconds(int(self._clock()))
        expected = Expectation(
            issuer=self.issuer.url, audience=self.trust_domain, now=now, required=_REQUIRED, only_audience=True
        )
        checks = check_claims(claims, expected)
        if isinstance(checks, Rejected):
            return _refused(checks.reason, checks.detail, checks.checks)
        details, context = claims.get("tctx", {}), claims.get("rctx", {})
        if not isinstance(details, dict) or not isinstance(context, dict) or not isinstance(claims["req_wl"], str):
            return _refused("jwt.claim_malformed", "tctx or rctx is no object, or req_wl no text", checks)
        if self.revocations is not None:
            alive = self.revocations.check(_watched(claims, verified.header.kid or ""))
            checks = (*checks, alive)
            if not alive.passed:
                return _refused("token.revoked", alive.why, checks)
        purposes = frozenset(claims["scope"].split())
        covered = Check("scope", purposes.issuperset(scopes), f"the transaction is for {claims['scope']}")
        if not covered.passed:
            return _refused("transaction.scope", covered.why, (*checks, covered), status=403)
        return VerifiedTransaction(
            transaction=claims["txn"],
            subject=claims["sub"],
            scopes=purposes,
            details=details,
            context=context,
            workloads=tuple(claims["req_wl"].split(",")),
            issued_at=claims["iat"],
            expires_at=claims["exp"],
            token=Secret(token),
            checks=(*checks, covered),
        )

    async def close(self) -> None:
        """Let go of open connections."""
        await self._keys.close()
        await self.issuer.close()


def _watched(claims: Mapping[str, Any], kid: str) -> Watched:
    """Return what a revocation may name of a transaction: whatever it rests on."""
    rests_on = AccessClaims(
        iss=claims["iss"],
        sub=claims["sub"],
        aud=claims["aud"],
        client_id=claims["client_id"],
        exp=claims["exp"],
        iat=claims["iat"],
        jti=str(claims["txn"]),
        sid=claims.get("sid", ""),
        gid=claims.get("gid", ""),
    )
    return Watched(rests_on, kid)


def _refused(reason: str, why: str, checks: tuple[Check, ...] = (), status: int = 401) -> Refused:
    """Refuse a transaction. The next service hears no reason; the log does."""
    return Refused(
        reason=reason,
        status=status,
        error="invalid_txn_token",
        description="the transaction token is not valid here",
        checks=checks or (Check("transaction_token", False, why),),
    )
