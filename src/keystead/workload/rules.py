"""Which workload a local process is: every rule is tried, exactly one must hold.

Does not: choose between two that hold. A process that two rules fit gets no identity until the rules are told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from keystead.core.decisions import Check
from keystead.core.errors import ConfigurationError
from keystead.workload.attestor import Attestor, Selectors
from keystead.workload.peer import Peer, PeerGone

WorkloadRules = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""For each workload what `attest` says: attestor by attestor, selector by selector."""

_SHOWN_CHECKS: Final = 24


class Attested(msgspec.Struct, frozen=True):
    """The process is this workload. `facts` are public."""

    workload: str
    facts: dict[str, Any]
    checks: tuple[Check, ...]


class NotAttested(msgspec.Struct, frozen=True):
    """The process is nobody we know. `reason` is a stable slug, `detail` for the operator's log."""

    reason: str
    detail: str
    facts: dict[str, Any] = {}
    checks: tuple[Check, ...] = ()


class Rules:
    """The rules of one agent, read once. An empty `attest` makes no rule, so it matches nobody."""

    def __init__(self, attestors: Iterable[Attestor[Any]], workloads: WorkloadRules) -> None:
        self._attestors = {attestor.name: attestor for attestor in attestors}
        self._rules = {name: self._parse(name, attest) for name, attest in workloads.items() if attest}

    @property
    def workloads(self) -> frozenset[str]:
        """The workloads that have a rule."""
        return frozenset(self._rules)

    def identify(self, peer: Peer) -> Attested | NotAttested:
        """Return who the process is. It must still be alive after the last fact was read."""
        try:
            found = self._match(peer)
        except PeerGone:
            found = NotAttested("attest.peer_gone", "the process ended while it was looked at")
        if not peer.alive():
            return NotAttested("attest.peer_gone", "the process ended while it was looked at")
        return found

    def _match(self, peer: Peer) -> Attested | NotAttested:
        facts: dict[str, Any] = {}
        for attestor in self._attestors.values():
            facts.update(attestor.facts(peer))
        tried = {name: _checks(rule, peer) for name, rule in self._rules.items()}
        fitting = [name for name, checks in tried.items() if checks and all(check.passed for check in checks)]
        if len(fitting) == 1:
            return Attested(fitting[0], facts, tried[fitting[0]])
        if fitting:
            detail = f"the rules of {' and '.join(sorted(fitting))} all fit this process; make them exclude each other"
            return NotAttested("attest.ambiguous", detail, facts)
        failed = [
            Check(f"{name}: {check.name}", False, check.why)
            for name, checks in tried.items()
            for check in checks
            if not check.passed
        ]
        detail = "no workload's attest rule fits this process"
        return NotAttested("attest.no_match", detail, facts, tuple(failed[:_SHOWN_CHECKS]))

    def _parse(
        self, workload: str, attest: Mapping[str, Mapping[str, Any]]
    ) -> tuple[tuple[Attestor[Any], Selectors], ...]:
        unknown = attest.keys() - self._attestors.keys()
        if unknown:
            message = f"unknown attestor {', '.join(sorted(unknown))}; there are {', '.join(sorted(self._attestors))}"
            raise ConfigurationError(message, where=f"workload {workload}, attest")
        parsed = ((self._attestors[name], document) for name, document in attest.items())
        return tuple((attestor, attestor.parse(workload, document)) for attestor, document in parsed)


def _checks(rule: tuple[tuple[Attestor[Any], Selectors], ...], peer: Peer) -> tuple[Check, ...]:
    return tuple(check for attestor, selectors in rule for check in attestor.match(selectors, peer))
