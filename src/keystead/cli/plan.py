"""`keystead plan`: what would change."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from keystead.cli.configuration import config_option

CHANGES_FOUND = 2


@click.command("plan")
@config_option
@click.option("--prune", is_flag=True, help="Also show what --prune would delete.")
@click.option("--exit-code", is_flag=True, help="Exit with 2 when there is something to change, for scripts.")
@click.pass_context
def command(context: click.Context, path: Path, prune: bool, exit_code: bool) -> None:
    """Show what `keystead apply` would change, and change nothing.

    `+` makes, `~` changes (with the names of the fields), `-` deletes.
    """
    from keystead.app.converge_commands import plan_file
    from keystead.app.settings import load_settings

    changes = asyncio.run(plan_file(load_settings(path), path, prune=prune))
    for change in changes:
        click.echo(str(change))
    click.echo(f"{len(changes)} to change" if changes else "nothing to change: the database is as the file says")
    if exit_code and changes:
        context.exit(CHANGES_FOUND)
