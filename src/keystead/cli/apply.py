"""`keystead apply`: make it so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from keystead.cli.configuration import config_option


@click.command("apply")
@config_option
@click.option("--prune", is_flag=True, help="Delete what an earlier file made and this one no longer names.")
def command(path: Path, prune: bool) -> None:
    """Make the database be what the configuration file says, one transaction a realm.

    Running servers on the same database follow at once. What the file never made is left alone, and leaving something
    out of the file deletes it only with --prune.
    """
    from keystead.app.converge_commands import apply_file
    from keystead.app.settings import load_settings

    changes = asyncio.run(apply_file(load_settings(path), path, prune=prune))
    for change in changes:
        click.echo(str(change))
    click.echo(f"{len(changes)} changed" if changes else "nothing to change: the database is as the file says")
