"""The tokens of the workloads on this node: bought once per workload, resource and scope, however many ask at once.

Flow: a token is handed out from memory until 80 % of its life has passed, then bought anew; when the issuer cannot be
reached the old one serves until it really ends. An assertion (for the issuer itself) is always fresh.
Does not: attest. `workload` is a name that `rules` found for a living process a moment ago.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from keystead.core.jose.keys import PrivateKey
from keystead.core.trace import TraceContext
from keystead.core.values import EpochSeconds, Secret
from keystead.workload.assertions import LIFETIME, sign_assertion
from keystead.workload.issuer_client import Bought, Issuer, Refused, Unreachable

RENEW_AFTER: Final = 0.8
_REMEMBERED: Final = 4_096
_DISOWNED: Final = "invalid_client"


class Issued(msgspec.Struct, frozen=True):
    """A token for a workload. `fresh` is False when it came from memory."""

    token: Secret
    token_type: str
    expires_at: EpochSeconds
    fresh: bool


class _Kept(msgspec.Struct, frozen=True):
    token: Secret
    renew_at: EpochSeconds
    expires_at: EpochSeconds


Key = tuple[str, str, str]


class WorkloadTokens:
    """Buys, keeps and forgets tokens."""

    def __init__(
        self, *, agent: str, issuer_url: str, key: PrivateKey, issuer: Issuer, clock: Callable[[], EpochSeconds]
    ) -> None:
        self._agent = agent
        self._issuer_url = issuer_url
        self._key = key
        self._issuer = issuer
        self._clock = clock
        self._kept: dict[Key, _Kept] = {}
        self._buying: dict[Key, asyncio.Task[Issued | Refused | Unreachable]] = {}

    async def token(
        self, workload: str, facts: Mapping[str, Any], resource: str, scope: str, trace: TraceContext
    ) -> Issued | Refused | Unreachable:
        """Return a token of `workload` for `resource`."""
        if resource == self._issuer_url:
            return self._assertion(workload, facts)
        key = (workload, resource, " ".join(sorted(scope.split())))
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept.renew_at:
            return Issued(kept.token, "Bearer", kept.expires_at, fresh=False)
        task = self._buying.get(key)
        if task is None:
            task = asyncio.create_task(self._buy(key, facts, trace))
            self._buying[key] = task
            task.add_done_callback(lambda _: self._buying.pop(key, None))
        return await asyncio.shield(task)

    def forget(self, workload: str) -> None:
        """Drop every token of a workload that is no longer one."""
        for key in [key for key in self._kept if key[0] == workload]:
            del self._kept[key]

    def keep_only(self, workloads: frozenset[str]) -> None:
        """Drop the tokens of every workload that has no rule any more."""
        for workload in {key[0] for key in self._kept} - workloads:
            self.forget(workload)

    def _assertion(self, workload: str, facts: Mapping[str, Any]) -> Issued:
        now = self._clock()
        assertion = sign_assertion(self._key, self._agent, workload, self._issuer_url, now, attested=facts)
        return Issued(Secret(assertion), "N_A", EpochSeconds(now + LIFETIME), fresh=True)

    async def _buy(self, key: Key, facts: Mapping[str, Any], trace: TraceContext) -> Issued | Refused | Unreachable:
        workload, resource, scope = key
        assertion = self._assertion(workload, facts).token.reveal()
        asked_at = self._clock()
        outcome = await self._issuer.buy(assertion, resource, scope, trace)
        if isinstance(outcome, Bought):
            return self._keep(key, outcome, asked_at)
        if isinstance(outcome, Refused) and outcome.error == _DISOWNED:
            self.forget(workload)
        kept = self._kept.get(key)
        if isinstance(outcome, Unreachable) and kept is not None and self._clock() < kept.expires_at:
            return Issued(kept.token, "Bearer", kept.expires_at, fresh=False)
        return outcome

    def _keep(self, key: Key, bought: Bought, asked_at: EpochSeconds) -> Issued:
        if len(self._kept) >= _REMEMBERED:
            self._forget_expired()
        expires_at = EpochSeconds(asked_at + bought.expires_in)
        renew_at = EpochSeconds(asked_at + int(bought.expires_in * RENEW_AFTER))
        if len(self._kept) < _REMEMBERED:
            self._kept[key] = _Kept(bought.access_token, renew_at, expires_at)
        return Issued(bought.access_token, "Bearer", expires_at, fresh=True)

    def _forget_expired(self) -> None:
        now = self._clock()
        for key in [key for key, kept in self._kept.items() if kept.expires_at <= now]:
            del self._kept[key]
