"""`keystead export`: the way back from a database to a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from keystead.cli.configuration import config_option


@click.command("export")
@config_option
def command(path: Path) -> None:
    """Print the records of a database as the `realms` section of a configuration file, without secrets.

    Only the realms the file names are exported. Add the secrets by `${NAME}` or `file:` before using it elsewhere.
    """
    import yaml

    from keystead.app.converge_commands import export_file
    from keystead.app.settings import load_settings

    realms = asyncio.run(export_file(load_settings(path), path))
    click.echo(yaml.safe_dump({"realms": realms}, sort_keys=False, allow_unicode=True).rstrip())
