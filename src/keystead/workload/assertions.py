"""Workload assertions: what an agent signs about a local process, and how the issuer believes it.

Shape: a compact JWS, `typ` `workload-assertion+jwt`, claims `iss` (the agent), `sub` (the workload), `aud` (the issuer,
one exact text), `iat`, `exp` (at most 60 seconds later), `jti` (single use) and `attested` (public facts).
Spec: RFC 7523 section 3, narrowed: one audience, a mandatory `jti`, a short life.
Does not: say what the workload may do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from keystead.core.decisions import Check, Denied
from keystead.core.jose import jws
from keystead.core.jose.claims import LEEWAY, Expectation, check_claims
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.keys import PrivateKey
from keystead.core.jose.outcomes import Rejected, VerifiedToken
from keystead.core.protocols import VerifiedWorkload
from keystead.core.records.workload import Agent, Workload
from keystead.core.values import EpochSeconds, new_handle
from keystead.storage.ports import Read, Store, Write, claim, get

ASSERTION_TYPE: Final = "urn:keystead:params:oauth:client-assertion-type:workload"
ASSERTION_TYP: Final = "workload-assertion+jwt"
LIFETIME: Final = 30
MAXIMUM_LIFETIME: Final = 60
MAXIMUM_SIZE: Final = 4_096
PURPOSE: Final = "workload_assertion"
AGENT_ALGORITHMS: Final = frozenset({"ES256", "EdDSA"})


class _Evidence(msgspec.Struct, frozen=True):
    """What the store knows of the two names in an assertion."""

    agent: Agent | None
    workload: Workload | None


def sign_assertion(
    key: PrivateKey,
    agent: str,
    workload: str,
    audience: str,
    now: EpochSeconds,
    *,
    attested: Mapping[str, Any] | None = None,
) -> str:
    """Return a fresh assertion by `agent` that the caller it saw is `workload`, good once, at `audience` only."""
    claims = {
        "iss": agent,
        "sub": workload,
        "aud": audience,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": new_handle(),
        "attested": dict(attested or {}),
    }
    return jws.sign(claims, key, ASSERTION_TYP)


class StoreWorkloadAssertions:
    """Verifies workload assertions against the agents and workloads of the store.

    Each assertion is spent in the transaction that looks once more whether agent and workload are enabled, so that
    neither a copy nor a disabled agent gets through between two looks.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: dict[tuple[str, str], tuple[int, KeySet]] = {}

    async def verify(self, realm: str, assertion: str, audience: str, now: EpochSeconds) -> VerifiedWorkload | Denied:
        """Check an assertion made for `audience` and spend its `jti`.

        Raises: StorageUnavailable when the `jti` could not be spent durably.
        """
        named = (jws.peek_claims_unverified(assertion) or {}).get("iss")
        if not isinstance(named, str) or not named:
            return Denied("workload_assertion.malformed", "not a signed assertion that names its agent")
        agent = await self._store.read(get(Agent, realm, named, now))
        if agent is None:
            return Denied("workload_assertion.unknown_agent", "no such agent in this realm; register its public key")
        token = jws.read(assertion, keys=self._keys_of(agent), typ={ASSERTION_TYP}, maximum=MAXIMUM_SIZE)
        if isinstance(token, Rejected):
            return _denied(token)
        checks = _check(token, agent, audience, now)
        if isinstance(checks, Rejected):
            return _denied(checks)
        return await self._spend(realm, token, checks, now)

    async def _spend(
        self, realm: str, token: VerifiedToken, checks: tuple[Check, ...], now: EpochSeconds
    ) -> VerifiedWorkload | Denied:
        agent, workload, token_id = (str(token.claims[name]) for name in ("iss", "sub", "jti"))
        key = hashlib.sha256(f"{agent}\0{token_id}".encode()).hexdigest()
        forget_at = EpochSeconds(token.claims["exp"] + 2 * LEEWAY)

        def spend() -> Write[Denied | None]:
            evidence = yield from _look(realm, agent, workload, now)
            refusal = _refusal(evidence, workload)
            if refusal is not None:
                return refusal
            if not (yield from claim(realm, PURPOSE, key, forget_at, now)):
                return Denied(
                    "workload_assertion.replayed", "this assertion was used before; ask the agent for another"
                )
            return None

        refusal = await self._store.write(spend)
        if refusal is not None:
            return refusal
        vouched = Check("workload_of_agent", True, f"agent {agent} is enabled and may vouch for {workload}")
        unspent = Check("assertion_single_use", True, "its jti was never seen before")
        return VerifiedWorkload(workload, agent, token_id, (*checks, vouched, unspent))

    def _keys_of(self, agent: Agent) -> KeySet:
        cached = self._keys.get((agent.realm, agent.id))
        if cached is not None and cached[0] == agent.version:
            return cached[1]
        keys = _key_set(agent)
        self._keys[agent.realm, agent.id] = (agent.version, keys)
        return keys


def _check(token: VerifiedToken, agent: Agent, audience: str, now: EpochSeconds) -> tuple[Check, ...] | Rejected:
    expectation = Expectation(
        issuer=agent.id, audience=audience, now=now, required=("sub", "jti", "iat"), only_audience=True
    )
    checks = check_claims(token.claims, expectation)
    if isinstance(checks, Rejected):
        return checks
    lifetime = token.claims["exp"] - token.claims["iat"]
    short = Check("assertion_lifetime", 0 < lifetime <= MAXIMUM_LIFETIME, f"lives {lifetime} s")
    if not short.passed:
        return Rejected(
            "jwt.lifetime", f"lives {lifetime} s, at most {MAXIMUM_LIFETIME} are accepted", (*checks, short)
        )
    signed = Check("signature", True, f"signed by agent {agent.id} with {token.header.algorithm}")
    return (signed, *checks, short)


def _denied(rejected: Rejected) -> Denied:
    slug = rejected.reason.removeprefix("jwt.")
    return Denied(f"workload_assertion.{slug}", rejected.detail)


def _key_set(agent: Agent) -> KeySet:
    """Read the agent's keys; a set that is malformed is an empty one, so that nothing is signed by it."""
    try:
        return KeySet.from_jwks(agent.jwks, algorithms=AGENT_ALGORITHMS)
    except ValueError:
        return KeySet(())


def _look(realm: str, agent: str, workload: str, now: EpochSeconds) -> Read[_Evidence]:
    found = yield from get(Agent, realm, agent, now)
    return _Evidence(found, (yield from get(Workload, realm, workload, now)))


def _refusal(evidence: _Evidence, workload: str) -> Denied | None:
    agent = evidence.agent
    if agent is None or not agent.enabled:
        return Denied("workload_assertion.agent_disabled", "the agent is not enabled")
    if workload not in agent.workloads:
        return Denied("workload_assertion.not_of_agent", f"agent {agent.id} may not vouch for this workload")
    if evidence.workload is None or not evidence.workload.enabled:
        return Denied("workload_assertion.workload_disabled", "the workload is unknown or not enabled")
    return None
