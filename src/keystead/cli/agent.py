"""`keystead agent`: the node agent."""

from __future__ import annotations

from pathlib import Path

import click

from keystead.cli.configuration import config_option


@click.command("agent", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@config_option
@click.option("--run", "name", default="", metavar="NAME", help="Start COMMAND as NAME and end when it does.")
@click.argument("command_line", metavar="[COMMAND...]", nargs=-1, type=click.UNPROCESSED)
def command(path: Path, name: str, command_line: tuple[str, ...]) -> None:
    """Run the node agent: it finds out which workload a local process is, and gets tokens for it.

    Reads the `agent` section, and what `attest` says of each workload in the agent's realm. With --run NAME -- COMMAND
    it also starts a process, which `attest: {spawned: {name: NAME}}` recognises.
    """
    from keystead.app.agent_process import run_agent
    from keystead.app.settings import load_settings
    from keystead.workload.settings import SupervisedProcess

    if bool(name) != bool(command_line):
        raise click.UsageError("--run NAME and the command to start belong together: --run orders -- python -m orders")
    started = SupervisedProcess(name=name, command=command_line) if name else None
    status = run_agent(load_settings(path, agent_keys=False), path, started)
    if status:
        raise click.exceptions.Exit(status)
