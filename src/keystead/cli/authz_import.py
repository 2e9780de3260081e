"""`keystead authz import`: stores of an OpenFGA server, or a store file, into the stores this server keeps."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keystead.cli.authz_server import Credentials, token_for, token_options
from keystead.cli.configuration import config_option

if TYPE_CHECKING:
    from keystead.app.openfga_import.client import AuthorizationServer
    from keystead.app.openfga_import.copying import Copying, Found


@click.command("import")
@click.option("--from", "source", required=True, help="An OpenFGA server's address, or a store file.")
@click.option("--realm", required=True, help="The realm the stores are for.")
@click.option("--store", "stores", multiple=True, help="Only the store with this id. Repeatable; else all of them.")
@config_option
@token_options
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("keystead-import.json"),
    show_default=True,
    help="Where to note how far it came. Run the command again to go on, or to bring over what changed since.",
)
@click.option("--dry-run", is_flag=True, help="Only look: what would come, and what could not be used here.")
def import_stores(source: str, path: Path, **options: Any) -> None:
    """Bring stores from an OpenFGA server with all models, tuples and assertions, under the ids they have there.

    Works on the database of the configuration file, beside running servers. It may be broken off at any time: run it
    again and it goes on. At the end both sides are compared, tuple by tuple; the exit code is 1 if they differ.

    The source is only read. Its token is in $KEYSTEAD_AUTHZ_TOKEN or a --token-file, or is bought.

    \b
    Examples:
      keystead authz import --from http://openfga:8080 --realm acme --dry-run
      keystead authz import --from http://openfga:8080 --realm acme --store 01HVMMBCMGZNT3SED4Z17ECXCA
      keystead authz import --from shop.fga.yaml --realm acme
    """
    file = Path(source)
    if "://" not in source:
        if not file.is_file():
            raise click.UsageError(f"{source} is neither an address (http://...) nor a file")
        asyncio.run(_import_file(file, path, options))
        return
    found = asyncio.run(_import_server(source, path, options))
    for each in found:
        click.echo(_summary(each, dry_run=options["dry_run"]))
    if not found:
        raise click.ClickException(f"{source} has no such store")
    if not all(each.same for each in found):
        raise click.exceptions.Exit(1)


async def _import_server(source: str, path: Path, options: dict[str, Any]) -> list[Found]:
    from keystead.app.database import open_database
    from keystead.app.openfga_import.client import AuthorizationServer
    from keystead.app.openfga_import.copying import Copying
    from keystead.app.openfga_import.progress import ProgressFile
    from keystead.app.openfga_import.target import Target
    from keystead.app.settings import load_settings

    credentials = Credentials(options["token_file"], options["issuer"], options["client_id"], options["agent"])
    server = AuthorizationServer(source, await token_for(source, "", credentials))
    try:
        if options["dry_run"]:
            return await _copy_all(Copying(server, None, None, time.time, _tell), server, options["stores"])
        settings = load_settings(path)
        _require_realm(options["realm"], settings.realms)
        state = ProgressFile(options["state"], server.base, options["realm"])
        async with open_database(settings, path) as (backend, _):
            copying = Copying(server, Target(backend, options["realm"]), state, time.time, _tell)
            return await _copy_all(copying, server, options["stores"])
    finally:
        await server.close()


async def _copy_all(copying: Copying, server: AuthorizationServer, wanted: tuple[str, ...]) -> list[Found]:
    stores = [await server.store(id) for id in wanted] if wanted else [store async for store in server.stores()]
    return [await copying.copy(store) for store in stores]


async def _import_file(file: Path, path: Path, options: dict[str, Any]) -> None:
    from keystead.app.database import open_database
    from keystead.app.openfga_import.from_file import import_file, read_file
    from keystead.app.settings import load_settings

    read = read_file(file)
    if options["dry_run"]:
        click.echo(f"{read.name}: {len(read.tuples):,} tuples, {len(read.assertions)} assertions would be imported")
        _tell_left_out(read.left_out)
        return
    settings = load_settings(path)
    _require_realm(options["realm"], settings.realms)
    async with open_database(settings, path) as (backend, _):
        store = await import_file(read, backend, options["realm"], time.time)
    click.echo(f"{read.name}: store {store}, {len(read.tuples):,} tuples, {len(read.assertions)} assertions")
    _tell_left_out(read.left_out)


def _tell_left_out(count: int) -> None:
    if count:
        _tell(
            f"{count} questions of its tests are no assertions: a model keeps 100 checks that expect yes or no; "
            "keep the file for `keystead authz test`"
        )


def _require_realm(realm: str, realms: dict[str, Any]) -> None:
    if realm not in realms:
        raise click.UsageError(f"the configuration file has no realm `{realm}`: it has {', '.join(realms)}")


def _summary(found: Found, *, dry_run: bool) -> str:
    counted = f"{found.models} models, {found.assertions} assertions, {found.tuples:,} tuples"
    if dry_run:
        verdict = "would be imported"
    elif found.same:
        verdict = f"the same on both sides ({found.changes} changes brought over)"
    else:
        verdict = "NOT the same on both sides"
    lines = [f"{found.name} ({found.store}): {counted}: {verdict}"]
    return "\n".join(lines + [f"  {warning}" for warning in found.warnings])


def _tell(text: str) -> None:
    click.echo(text, err=True)
