"""The option that every command reading the configuration file has."""

from __future__ import annotations

from pathlib import Path

import click

config_option = click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("keystead.yaml"),
    show_default=True,
    envvar="KEYSTEAD_CONFIG",
    help="The configuration file.",
)
