"""`keystead serve`: the issuer."""

from __future__ import annotations

import gc
from pathlib import Path

import click

from keystead.cli.configuration import config_option


@click.command("serve")
@config_option
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=None,
    help="Serve from this many processes, forked and replaced by this one. Default: from this one itself.",
)
@click.option("--no-apply", is_flag=True, help="Leave the records as they are; do not converge them to the file.")
def command(path: Path, workers: int | None, no_apply: bool) -> None:
    """Serve the realms of a configuration file.

    Migrates the database, converges its realms, clients, users, APIs and workloads to the file (nothing is deleted),
    and serves until SIGTERM or Ctrl-C. Log lines are JSON, on standard output.
    """
    gc.disable()  # until everything is loaded: nothing of it is garbage
    from keystead.app.issuer_process import serve
    from keystead.app.settings import load_settings

    serve(load_settings(path), path, workers=workers or 0, converge=not no_apply)
