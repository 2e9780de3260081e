"""`keystead gateway`: between browsers and services."""

from __future__ import annotations

from pathlib import Path

import click

from keystead.cli.configuration import config_option


@click.command("gateway")
@config_option
def command(path: Path) -> None:
    """Run the gateway of a configuration file.

    Browsers get one cookie and never a token; services behind it get a token meant for them alone. Only the routes of
    the file exist. Log lines are JSON, on standard output.
    """
    from keystead.app.gateway_process import serve_gateway
    from keystead.app.settings import load_settings

    serve_gateway(load_settings(path, agent_keys=False), path)
