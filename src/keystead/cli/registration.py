"""`keystead registration`: tokens that let others register clients, and who registered."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click

from keystead.cli.configuration import config_option


@click.group("registration")
def command() -> None:
    """Make tokens that let others register clients, and see which clients did."""


@command.command("new-token")
@config_option
@click.option("--realm", default="", help="The realm it is for. Not needed when there is one.")
@click.option("--name", default="", help="Whom you give it to, for the log.")
@click.option("--uses", type=click.IntRange(1), default=1, help="How many clients it may register.", show_default=True)
@click.option("--days", type=click.IntRange(1), default=7, help="How long it is good.", show_default=True)
def new_token(path: Path, realm: str, name: str, uses: int, days: int) -> None:
    """Make an initial access token and print it, once. Its clients come under the realm's registration policy."""
    from keystead.app.registration_commands import TokenWish, make_token
    from keystead.app.settings import load_settings

    wish = TokenWish(name, uses, days)
    click.echo(asyncio.run(make_token(load_settings(path), path, realm, wish, int(time.time()))))


@command.command("list")
@config_option
@click.option("--realm", default="", help="Only this realm.")
def list_clients(path: Path, realm: str) -> None:
    """List the clients that registered themselves, and those known by their metadata document."""
    from keystead.app.registration_commands import describe_clients
    from keystead.app.settings import load_settings

    for line in asyncio.run(describe_clients(load_settings(path), path, realm, int(time.time()))):
        click.echo(line)
