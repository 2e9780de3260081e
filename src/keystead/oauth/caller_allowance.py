"""How often callers who prove nothing may make us write something down: in all, and from one network.

Everybody knows the names of public clients, so whoever uses one is counted by where they are.
Does not: count authenticated clients, or outlive the process. A caller on this machine (a local tool, or a proxy that
does not say for whom it asks) is only counted with all others.
"""

from __future__ import annotations

from collections import Counter

from keystead.core.http import Request
from keystead.core.networks import is_this_machine, network_of
from keystead.core.sealing import Sealer


class CallerAllowance:
    """The allowance of one purpose, at one issuer."""

    def __init__(self, *, per_minute: int, per_network: int) -> None:
        self._per_minute, self._per_network = per_minute, per_network
        self._minute = 0
        self._sealer: Sealer | None = None
        self._total = 0
        self._taken: Counter[str] = Counter()

    def take(self, request: Request, sealer: Sealer) -> bool:
        """Take one, if there is one left in this minute."""
        if request.now // 60 != self._minute or self._sealer is not sealer:
            self._minute, self._sealer, self._total = request.now // 60, sealer, 0
            self._taken.clear()
        if self._total >= self._per_minute:
            return False
        address = request.client_address
        if address and not is_this_machine(address):
            network = network_of(address)
            if self._taken[network] >= self._per_network:
                return False
            self._taken[network] += 1
        self._total += 1
        return True
