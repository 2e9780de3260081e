"""`keystead authz export`: a store as a store file."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keystead.cli.authz_server import Credentials, token_for, token_options
from keystead.cli.configuration import config_option

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@click.command("export")
@click.option("--store", required=True, help="The store's id.")
@click.option("--server", help="Read it from a server: BASE_URL/authz, or an OpenFGA server.")
@click.option("--realm", help="Read it from the database of the configuration file; the realm it belongs to.")
@config_option
@token_options
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file, not to stdout.")
def export(store: str, output: Path | None, path: Path, **options: Any) -> None:
    """Write a store as a store file: newest model, tuples, and assertions as tests.

    The file is for `keystead authz test`, `keystead authz import`, and OpenFGA's own tools.

    \b
    Examples:
      keystead authz export --realm acme --store 01HVMMBCMGZNT3SED4Z17ECXCA -o shop.fga.yaml
      keystead authz export --server http://localhost:8080/authz --store 01HVMMBCMGZNT3SED4Z17ECXCA --agent
    """
    if bool(options["server"]) == bool(options["realm"]):
        raise click.UsageError("give --server, or --realm for the database of the configuration file")
    pieces = _from_server(options, store) if options["server"] else _from_database(path, options["realm"], store)
    count = asyncio.run(_write(pieces, output))
    click.echo(f"{count:,} tuples{f' in {output}' if output else ''}", err=True)


async def _write(pieces: AsyncIterator[str], output: Path | None) -> int:
    count = 0
    stream = output.open("w", encoding="utf-8") if output else sys.stdout
    try:
        async for piece in pieces:
            stream.write(piece)
            count += piece.startswith("  - {")
    finally:
        if output:
            stream.close()
    return count


async def _from_server(options: dict[str, Any], store: str) -> AsyncIterator[str]:
    from keystead.app.openfga_import.client import AuthorizationServer
    from keystead.app.openfga_import.store_file import from_server

    credentials = Credentials(options["token_file"], options["issuer"], options["client_id"], options["agent"])
    server = AuthorizationServer(options["server"], await token_for(options["server"], "", credentials))
    try:
        async for piece in from_server(server, store):
            yield piece
    finally:
        await server.close()


async def _from_database(path: Path, realm: str, store: str) -> AsyncIterator[str]:
    from keystead.app.database import open_database
    from keystead.app.openfga_import.store_file import from_stores
    from keystead.app.settings import load_settings
    from keystead.authz.served import AuthorizationStores

    async with open_database(load_settings(path), path, make=False) as (backend, _):
        async for piece in from_stores(AuthorizationStores(backend, time.time), realm, store):
            yield piece
