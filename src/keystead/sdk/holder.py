"""Does whoever shows a token hold the key it is bound to? Asked of every bound token, and fail-closed.

Flow: `Verifier` has checked the token -> `HolderChecks.check` looks at `cnf`, the scheme, the DPoP proof (shape, key,
`ath`, URL, time, nonce, replay) or the certificate -> a refusal, or the checks that passed.
Does not: bind anything, or trust a Host header: `base_urls` says under which URLs this service is called.
Spec: RFC 9449 sections 4.3, 7 and 9, RFC 8705 section 3, RFC 7800 section 3.1.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from functools import partial
from typing import Final

import msgspec

from keystead.core.decisions import Check
from keystead.core.errors import ConfigurationError
from keystead.core.jose.base64url import encode
from keystead.core.jose.dpop import DPOP_ALGORITHMS, Arrived, Proof, ProofReader
from keystead.core.jose.dpop_nonce import Tag, nonce_at, windows_since
from keystead.core.jose.outcomes import Rejected
from keystead.core.jose.request_uri import normalised
from keystead.core.tokens import AccessClaims
from keystead.core.values import EpochSeconds, Secret
from keystead.sdk.caller import Refused
from keystead.sdk.demand import challenge
from keystead.sdk.presented import DPOP, Presented
from keystead.sdk.replays import MemoryReplays, ReplayStore, ReplayStoreFull

_ALGORITHMS: Final = " ".join(sorted(DPOP_ALGORITHMS))
_SHORTEST_KEY: Final = 32
_UNAVAILABLE: Final = 503


class SenderConstraint(msgspec.Struct, frozen=True, kw_only=True):
    """What a service demands of whoever shows a token. Bound tokens are always checked; this says how, and what more.

    `base_urls`: under which URLs (scheme, host, port and path prefix) callers reach the service; DPoP proofs name them.
    Left out, the audience where that is a URL. `required`: only bound tokens are good. `nonce_key`: at least 32 secret
    bytes, the same in every process of the service; with it every DPoP proof must carry a nonce of ours. `replays`:
    where shown proofs are remembered; a memory of this process when left out.
    """

    base_urls: tuple[str, ...] = ()
    required: bool = False
    nonce_key: Secret | None = None
    replays: ReplayStore | None = None


class Held(msgspec.Struct, frozen=True):
    """The sender holds the key, or the token needs none. `next_nonce` is for the reply, empty for none."""

    checks: tuple[Check, ...] = ()
    next_nonce: str = ""


UNBOUND: Final = Held()


class HolderChecks:
    """The checks of one verifier."""

    def __init__(self, constraint: SenderConstraint | None, audience: str) -> None:
        self._constraint = constraint or SenderConstraint()
        self._bases = tuple(url.rstrip("/") for url in _bases(self._constraint.base_urls, audience))
        self._reader = ProofReader()
        self._replays = self._constraint.replays or MemoryReplays()
        self._tag = _tag(self._constraint.nonce_key)
        self.required = self._constraint.required

    async def check(self, claims: AccessClaims, shown: Presented, now: EpochSeconds) -> Held | Refused:
        """Check who shows the token."""
        confirmation = claims.cnf
        if confirmation is None or not (confirmation.jkt or confirmation.x5t_s256):
            return self._unbound(claims, shown)
        checks: tuple[Check, ...] = ()
        if confirmation.x5t_s256:
            if not _is_certificate(shown.certificate, confirmation.x5t_s256):
                return _refuse("certificate.other", "the token is bound to a certificate that was not shown")
            checks = (Check("certificate", True, "the token is bound to the sender's certificate"),)
        if not confirmation.jkt:
            if shown.scheme == DPOP:
                return _refuse("dpop.unbound", "the token is not bound to a DPoP key: show it as Bearer", DPOP)
            return Held(checks)
        if shown.scheme != DPOP:
            return _refuse("dpop.as_bearer", "the token is bound to a key: show it with the DPoP scheme and a proof")
        proved = await self._proof(shown, confirmation.jkt, now)
        return proved if isinstance(proved, Refused) else Held((*checks, *proved.checks), proved.next_nonce)

    def _unbound(self, claims: AccessClaims, shown: Presented) -> Held | Refused:
        if claims.cnf is not None:
            return _refuse("token.confirmation_unknown", "the token is bound in a way that is not known here")
        if shown.scheme == DPOP:
            return _refuse("dpop.unbound", "the token is not bound to a DPoP key: show it as Bearer", DPOP)
        if self.required:
            return _refuse("token.unbound", "only tokens bound to their sender's key are accepted here")
        return UNBOUND

    async def _proof(self, shown: Presented, thumbprint: str, now: EpochSeconds) -> Held | Refused:
        if len(shown.proofs) != 1:
            return _proof_refused("dpop.missing", "send one DPoP proof with the access token")
        if not self._bases:
            return _proof_refused("dpop.no_base_url", "this service does not know under which URL it is called")
        urls = tuple(base + shown.path for base in self._bases)
        proof = self._reader.read(shown.proofs[0], Arrived(shown.method, urls, now, shown.token))
        if isinstance(proof, Rejected):
            return _proof_refused(proof.reason, f"the DPoP proof is not accepted: {proof.detail}")
        if not hmac.compare_digest(proof.thumbprint.encode(), thumbprint.encode()):
            return _refuse("dpop.other_key", "the token is bound to another key than the proof's", DPOP)
        age = 0
        if self._tag is not None:
            known = windows_since(proof.nonce, now, self._tag) if proof.nonce else None
            if known is None:
                return _nonce_wanted(nonce_at(now, self._tag))
            age = known
        return await self._spend(proof, age, now)

    async def _spend(self, proof: Proof, age: int, now: EpochSeconds) -> Held | Refused:
        try:
            first = await self._replays.claim(proof.spending_key, proof.remember_until, now)
        except ReplayStoreFull as error:
            return _full(str(error))
        if not first:
            return _proof_refused("dpop.replayed", "the DPoP proof was used before: make one for each request")
        next_nonce = nonce_at(now, self._tag) if self._tag is not None and age else ""
        return Held((Check("dpop", True, "the sender proved the key the token is bound to"),), next_nonce)


def _bases(named: Collection[str], audience: str) -> tuple[str, ...]:
    if isinstance(named, str):
        raise ConfigurationError("base_urls is a tuple of URLs, not one text")
    for url in named:
        if not normalised(url) or "?" in url or "#" in url:
            raise ConfigurationError(f"base_urls: `{url}` is no URL such as https://orders.acme.example")
    return tuple(named) or ((audience,) if normalised(audience) else ())


def _tag(key: Secret | None) -> Tag | None:
    if key is None:
        return None
    octets = key.reveal().encode()
    if len(octets) < _SHORTEST_KEY:
        raise ConfigurationError(f"nonce_key has at least {_SHORTEST_KEY} bytes")
    return partial(hmac.digest, octets, digest="sha256")


def _is_certificate(certificate: bytes, thumbprint: str) -> bool:
    shown = encode(hashlib.sha256(certificate).digest())
    return bool(certificate) and hmac.compare_digest(shown, thumbprint.encode())


def _refuse(reason: str, description: str, scheme: str = "") -> Refused:
    """Refuse the token, in the scheme it was shown with; who showed a bound one as Bearer learns of the other."""
    refused = challenge(reason, "invalid_token", description)
    said = refused.www_authenticate.partition(" ")[2]
    if scheme == DPOP:
        return msgspec.structs.replace(refused, www_authenticate=f'DPoP {said}, algs="{_ALGORITHMS}"')
    return msgspec.structs.replace(refused, www_authenticate=f'Bearer {said}, DPoP algs="{_ALGORITHMS}"')


def _proof_refused(reason: str, description: str, error: str = "invalid_dpop_proof", nonce: str = "") -> Refused:
    refused = challenge(reason, error, description)
    said = refused.www_authenticate.partition(" ")[2]
    return msgspec.structs.replace(refused, www_authenticate=f'DPoP {said}, algs="{_ALGORITHMS}"', dpop_nonce=nonce)


def _nonce_wanted(nonce: str) -> Refused:
    return _proof_refused("dpop.nonce", "put the nonce of DPoP-Nonce into the DPoP proof", "use_dpop_nonce", nonce)


def _full(why: str) -> Refused:
    return Refused(
        reason="dpop.replay_store_full",
        status=_UNAVAILABLE,
        error="temporarily_unavailable",
        description="this service cannot check proofs at the moment",
        checks=(Check("dpop", False, why),),
    )
