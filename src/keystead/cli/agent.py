"""`keystead agent`: the node agent."""

from __future__ import annotations

from pathlib import Path

import click

from keystead.cli.configuration import config_option


@click.command("agent")
@config_option
def command(path: Path) -> None:
    """Run the node agent: it finds out which workload a local process is, and gets tokens for it.

    Reads the `agent` section, and what `attest` says of each workload in the agent's realm.
    """
    from keystead.app.agent_process import run_agent
    from keystead.app.settings import load_settings

    run_agent(load_settings(path, agent_keys=False))
