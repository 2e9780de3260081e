"""`keystead authz explain`: why somebody may, or why not."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from keystead.cli.authz_server import Credentials, token_for, token_options

if TYPE_CHECKING:
    from keystead.authz import AuthorizationDecision
    from keystead.authz.engine.graph import Graph
    from keystead.storage.ports import Relationship

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


class Supposed(msgspec.Struct, frozen=True):
    """What the question supposes: more tuples, the context of conditions, and the time."""

    tuples: tuple[str, ...]
    context: str
    at: str


@click.command("explain")
@click.argument("question", nargs=3, metavar="USER RELATION OBJECT")
@click.option("--file", type=_FILE, help="Ask the tuples of a store file.")
@click.option("--database", help="Ask the tuples of a database, say sqlite:///orders.db; with --model.")
@click.option("--model", type=_FILE, help="The model, in the OpenFGA language; with --database.")
@click.option("--server", help="Ask a server: BASE_URL/authz, or an OpenFGA server; with --store.")
@click.option("--store", default="default/default", help="REALM/STORE of a database, or the store's id on a server.")
@click.option("--model-id", default="", help="Another model than the newest; with --server.")
@token_options
@click.option("--tuple", "tuples", multiple=True, help="Suppose this tuple too: order:17#viewer@user:carol. Repeatable.")
@click.option("--context", default="", help="The parameters of conditions, as a JSON object.")
@click.option("--at", default="", help="Ask as of a time, in UTC: 2030-12-31T18:00.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def explain(question: tuple[str, str, str], tuples: tuple[str, ...], **options: Any) -> None:
    """Say whether USER has RELATION to OBJECT, and the path that proves it or the reason nothing does.

    Exit code: 0 for yes, 1 for no, 3 when it hangs on a condition whose parameters are missing.

    \b
    Examples:
      keystead authz explain user:alice viewer order:17 --file shop.fga.yaml
      keystead authz explain user:alice viewer order:17 --database sqlite:///tuples.db --model shop.fga --store acme/shop
      keystead authz explain user:alice viewer order:17 --server http://localhost:8080/authz --store 01J... --agent
      keystead authz explain user:bob viewer order:17 --file shop.fga.yaml --tuple order:17#owner@user:bob
    """
    supposed = Supposed(tuples, options["context"], options["at"])
    sources = [name for name in ("file", "database", "server") if options[name]]
    if len(sources) != 1 or bool(options["database"]) != bool(options["model"]):
        raise click.UsageError("give --file, or --database and --model, or --server and --store")
    if options["file"]:
        graph = _graph_of_file(options["file"])
    elif options["database"]:
        graph = _graph_of_database(options["database"], options["model"], options["store"], question[2], supposed)
    else:
        credentials = Credentials(options["token_file"], options["issuer"], options["client_id"], options["agent"])
        graph = asyncio.run(_graph_of_server(options, credentials, question[2], supposed))
    decision = _decide(graph, question, supposed)
    click.echo(_document(question, decision) if options["as_json"] else str(decision))
    raise click.exceptions.Exit(_exit_code(decision))
