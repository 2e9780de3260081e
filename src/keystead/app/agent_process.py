"""The agent as a process: what `keystead agent` does."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import msgspec

from keystead.app.log_lines import open_journal, say_ready
from keystead.app.serving import run
from keystead.app.settings import Settings, load_settings
from keystead.core.decisions import Decision, Journal
from keystead.core.errors import ConfigurationError
from keystead.core.values import EpochSeconds
from keystead.oauth.catalogue import scan
from keystead.workload import attestors as attestors_folder
from keystead.workload.attestor import Attestor
from keystead.workload.rules import WorkloadRules
from keystead.workload.running import RunningAgent
from keystead.workload.settings import AgentSettings, SupervisedProcess


def run_agent(settings: Settings, path: Path, started: SupervisedProcess | None = None) -> int:
    """Run the agent of a configuration file until a signal, or until the process `started` has ended.

    Returns the exit status of that process, as a shell would tell it. SIGHUP reads the workloads' rules anew. Relative
    paths start at the file.
    Raises: ConfigurationError.
    """
    agent = settings.agent
    if agent is None:
        raise ConfigurationError("the file has no `agent` section: it needs at least `name`, `issuer` and `realm`")
    directory = path.absolute().parent
    agent = msgspec.structs.replace(
        agent,
        socket=str(directory / agent.socket),
        state_directory=str(directory / agent.state_directory),
        run=agent.run if started is None else (*agent.run, started),
    )
    statuses: list[int] = []
    run(_run(agent, path, settings, statuses if started is not None else None))
    return next((status if status >= 0 else 128 - status for status in statuses), 0)


def workload_rules(settings: Settings, agent: AgentSettings) -> WorkloadRules:
    """Return what the agent must find for each workload it may vouch for.

    Raises: ConfigurationError when the file does not know the agent's realm.
    """
    realm = settings.realms.get(agent.realm)
    if realm is None:
        known = ", ".join(settings.realms) or "none"
        message = f"there is no realm `{agent.realm}` in this file" if agent.realm else "name the agent's realm"
        raise ConfigurationError(f"{message}; the file has: {known}", where="agent.realm")
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


async def _run(agent: AgentSettings, path: Path, settings: Settings, statuses: list[int] | None) -> None:
    """Run until a signal; with `statuses`, also until the last process of `agent.run` ends, and tell its status."""
    journal = open_journal("agent")
    rules = workload_rules(settings, agent)
    running = await RunningAgent.start(agent, rules, attestors(), journal, lambda: EpochSeconds(int(time.time())))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: _read_again(running, agent, path, journal))

    async def until_ended(told: list[int]) -> None:
        told.append(await running.supervisor.wait_for(agent.run[-1].name))
        stopped.set()

    watching = asyncio.create_task(until_ended(statuses)) if statuses is not None else None
    try:
        facts = {"socket": str(running.socket_path), "workloads": sorted(rules), "pid": os.getpid()}
        say_ready(journal, "agent.ready", **facts)
        await stopped.wait()
    finally:
        await running.close()
        if watching is not None:
            await watching
        journal.close()


def _read_again(running: RunningAgent, agent: AgentSettings, path: Path, journal: Journal) -> None:
    """Take the rules of the file as it is now; a file that is wrong changes nothing."""
    try:
        rules = workload_rules(load_settings(path, agent_keys=False), agent)
        running.replace_rules(rules)
    except ConfigurationError as error:
        journal.record(Decision("agent.rules", False, "agent.rules_refused", facts={"detail": str(error)}))
        return
    journal.record(Decision("agent.rules", True, "agent.rules_read", facts={"workloads": sorted(rules)}))
