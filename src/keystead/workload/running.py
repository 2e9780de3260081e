"""A whole agent, put together and running: key, rules, issuer, socket, and the processes it starts.

Flow: `RunningAgent.start` listens first and starts processes last, so that a process finds its agent; `close` ends the
processes first and the socket last.
Does not: read configuration files or install signal handlers (`keystead agent` does).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp

from keystead.core.decisions import Decision, Journal
from keystead.core.values import EpochSeconds
from keystead.sdk.addresses import require_safe_url
from keystead.workload.agent import Agent
from keystead.workload.agent_key import load_agent_key
from keystead.workload.agent_server import AgentServer
from keystead.workload.agent_socket import listen_on
from keystead.workload.attestor import Attestor
from keystead.workload.attestors.spawned import SpawnedAttestor
from keystead.workload.issuer_client import HttpIssuer, open_session
from keystead.workload.peer_limits import PeerLimits
from keystead.workload.rules import Rules, WorkloadRules
from keystead.workload.settings import AgentSettings
from keystead.workload.supervisor import Supervisor
from keystead.workload.tokens import WorkloadTokens


class RunningAgent:
    """One agent on one node."""

    def __init__(
        self,
        *,
        agent: Agent,
        attestors: tuple[Attestor[Any], ...],
        server: AgentServer,
        session: aiohttp.ClientSession,
        supervisor: Supervisor,
        socket_path: Path,
    ) -> None:
        self.supervisor = supervisor
        self.socket_path = socket_path
        self._agent = agent
        self._attestors = attestors
        self._server = server
        self._session = session

    @classmethod
    async def start(
        cls,
        settings: AgentSettings,
        workloads: WorkloadRules,
        attestors: Iterable[Attestor[Any]],
        journal: Journal,
        clock: Callable[[], EpochSeconds],
    ) -> RunningAgent:
        """Start the agent of `settings`, which recognises `workloads` with `attestors`.

        Raises: ConfigurationError saying what to mend.
        """
        require_safe_url(settings.issuer, "agent.issuer", danger_allow_plain_http=settings.danger_allow_plain_http)
        attestors = tuple(attestors)
        rules = Rules(attestors, workloads)
        key = load_agent_key(Path(settings.state_directory))
        path, listening = listen_on(settings.socket, settings.socket_mode)
        supervisor = Supervisor(path, lambda name, status: _record_end(journal, settings, name, status))
        for attestor in attestors:
            if isinstance(attestor, SpawnedAttestor):
                attestor.follow(supervisor)
        session = open_session()
        issuer = HttpIssuer(settings.issuer, session)
        tokens = WorkloadTokens(agent=settings.name, issuer_url=settings.issuer, key=key, issuer=issuer, clock=clock)
        agent = Agent(
            name=settings.name, realm=settings.realm, rules=rules, tokens=tokens, journal=journal, clock=clock
        )
        limits = PeerLimits(settings.requests_per_second, settings.connections_per_user, time.monotonic)
        server = AgentServer(agent, limits)
        await server.start(listening)
        running = cls(
            agent=agent,
            attestors=attestors,
            server=server,
            session=session,
            supervisor=supervisor,
            socket_path=path,
        )
        try:
            for process in settings.run:
                supervisor.start(process)
        except BaseException:
            await running.close()
            raise
        return running

    def replace_rules(self, workloads: WorkloadRules) -> None:
        """Recognise these workloads from the next request on.

        Raises: ConfigurationError, and nothing changed.
        """
        self._agent.replace_rules(Rules(self._attestors, workloads))

    async def close(self) -> None:
        """End the processes, finish open requests, take the socket away."""
        await self.supervisor.stop()
        await self._server.close()
        await self._session.close()
        self.socket_path.unlink(missing_ok=True)


def _record_end(journal: Journal, settings: AgentSettings, name: str, status: int) -> None:
    facts = {"agent": settings.name, "process": name, "status": status}
    journal.record(Decision("agent.process", status == 0, "process.ended", realm=settings.realm, facts=facts))
