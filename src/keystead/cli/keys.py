"""`keystead keys`: make, list, rotate and withdraw keys."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click

from keystead.cli.configuration import config_option


@click.group("keys")
def command() -> None:
    """Make, list, rotate and withdraw keys."""


@command.command("new-encryption-key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def new_encryption_key(file: Path) -> None:
    """Make a key-encryption key in FILE (mode 0600), for `server.key_encryption_key: file:FILE`."""
    from keystead.app.key_encryption_key import new_key_text
    from keystead.sdk.private_files import write_once

    if file.exists():
        raise click.ClickException(f"{file} exists; a key that sealed something must not be overwritten")
    write_once(file, new_key_text())
    click.echo(f"{file} holds a new key. Keep a copy apart from the database: without it nothing sealed can be opened.")


@command.command("list")
@config_option
@click.option("--realm", help="Only this realm.")
def list_keys(path: Path, realm: str | None) -> None:
    """List the keys of every realm: which sign, which wait, which retire, and which clients encrypt to."""
    from keystead.app.key_commands import describe_keys
    from keystead.app.settings import load_settings

    settings = load_settings(path)
    for line in asyncio.run(describe_keys(settings, path, realm, int(time.time()))):
        click.echo(line)


@command.command("rotate")
@config_option
@click.option("--realm", default="", help="The realm whose signing key is replaced. Not needed when there is one.")
@click.option("--algorithm", default="", help="Rotate the key of this algorithm. Default: the realm's own.")
@click.option("--now", "immediately", is_flag=True, help="Sign with the new key at once, without the usual overlap.")
def rotate(path: Path, realm: str, algorithm: str, immediately: bool) -> None:
    """Publish a new signing key. It signs after an overlap in which every verifier learns of it.

    With --now it signs at once; verifiers fetch the new key when they meet it. A key that leaked is not rotated but
    withdrawn: see `keystead keys withdraw`.
    """
    from keystead.app.key_commands import rotate_key
    from keystead.app.settings import load_settings

    settings = load_settings(path)
    click.echo(asyncio.run(rotate_key(settings, path, realm, algorithm, immediately)))


@command.command("withdraw")
@config_option
@click.option("--realm", default="", help="The realm whose key it is. Not needed when there is one.")
@click.argument("kid")
def withdraw(path: Path, realm: str, kid: str) -> None:
    """Stop publishing the key KID, which leaked. Everything it signed is dead; another key signs at once.

    Services that follow the revocation feed (the SDK does) refuse its tokens within a second, others when they fetch
    the keys again.
    """
    from keystead.app.key_commands import withdraw_key
    from keystead.app.settings import load_settings

    settings = load_settings(path)
    click.echo(asyncio.run(withdraw_key(settings, path, realm, kid)))
