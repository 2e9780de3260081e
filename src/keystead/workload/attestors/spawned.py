"""The `spawned` attestor: exactly the processes that this agent started itself.

The agent holds a pidfd of each child since the moment it started it, and has not reaped it while that pidfd says alive;
so the number of the peer can be nobody else's.
Does not: include children of those children. A service runs converters, shells and worker pools that were never meant
to be the service; and parents change when a process is orphaned. A service with workers fetches tokens in its first
process, or each worker is started by the agent under its own name.
Does not: isolate processes of one user from each other (debugging and /proc let them reach into one another); for that,
give each service its own user. See the decision record on the agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from keystead.core.decisions import Check
from keystead.workload.attestor import Attestor, Selectors
from keystead.workload.peer import Peer


class SpawnedSelectors(Selectors, frozen=True, kw_only=True):
    """Selectors of the `spawned` attestor. `name`: the name the agent started the process under."""

    name: str


class Spawned(Protocol):
    """Who knows the children: the agent's supervisor."""

    def name_of(self, pid: int) -> str | None:
        """Return the name under which the living child `pid` was started, or None when it is no child of ours."""
        ...


class SpawnedAttestor(Attestor[SpawnedSelectors]):
    """Recognises the agent's own children."""

    name = "spawned"
    selectors = SpawnedSelectors

    def __init__(self) -> None:
        self._children: Spawned | None = None

    def follow(self, children: Spawned) -> None:
        """Learn who starts processes. Before that nobody matches."""
        self._children = children

    def facts(self, peer: Peer) -> Mapping[str, Any]:
        """Return the name the peer was started under, if it was."""
        name = self._name_of(peer)
        return {} if name is None else {"spawned_as": name}

    def match(self, selectors: SpawnedSelectors, peer: Peer) -> tuple[Check, ...]:
        """Demand that the peer is the child of that name."""
        name = self._name_of(peer)
        why = f"started by this agent as {name}" if name else "not a process this agent started"
        return (Check("spawned.name", name == selectors.name, why),)

    def _name_of(self, peer: Peer) -> str | None:
        return self._children.name_of(peer.pid) if self._children else None
