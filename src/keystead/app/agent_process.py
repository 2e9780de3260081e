"""The agent as a process: what `keystead agent` does."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

from keystead.app.log_lines import open_journal, say_ready
from keystead.app.serving import run
from keystead.app.settings import Settings
from keystead.core.errors import ConfigurationError
from keystead.core.values import EpochSeconds
from keystead.oauth.catalogue import scan
from keystead.workload import attestors as attestors_folder
from keystead.workload.attestor import Attestor
from keystead.workload.rules import WorkloadRules
from keystead.workload.running import RunningAgent
from keystead.workload.settings import AgentSettings


def run_agent(settings: Settings) -> None:
    """Run the agent of a configuration file until a signal.

    Raises: ConfigurationError.
    """
    if settings.agent is None:
        raise ConfigurationError("the file has no `agent` section: it needs at least `name`, `issuer` and `realm`")
    run(_run(settings.agent, workload_rules(settings, settings.agent)))


def workload_rules(settings: Settings, agent: AgentSettings) -> WorkloadRules:
    """Return what the agent must find for each workload it may vouch for.

    Raises: ConfigurationError when the file does not know the agent's realm.
    """
    realm = settings.realms.get(agent.realm)
    if realm is None:
        raise ConfigurationError(f"there is no realm `{agent.realm}` in this file", where="agent.realm")
    entry = next((entry for entry in realm.agents if entry.name == agent.name), None)
    if entry is None:
        message = f"realm {agent.realm} names no agent `{agent.name}`; add it under realms.{agent.realm}.agents"
        raise ConfigurationError(message, where="agent.name")
    return {
        workload.name: workload.attest
        for workload in realm.workloads
        if workload.enabled and workload.attest and workload.name in entry.workloads
    }


def attestors() -> tuple[Attestor[Any], ...]:
    """Return the attestors there are."""
    return tuple(scan(attestors_folder, Attestor, "name", facet="selectors").values())


async def _run(settings: AgentSettings, rules: WorkloadRules) -> None:
    journal = open_journal("agent")
    agent = await RunningAgent.start(settings, rules, attestors(), journal, lambda: EpochSeconds(int(time.time())))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        facts = {"socket": str(agent.socket_path), "workloads": sorted(rules), "pid": os.getpid()}
        say_ready(journal, "agent.ready", **facts)
        await stopped.wait()
    finally:
        await agent.close()
        journal.close()
