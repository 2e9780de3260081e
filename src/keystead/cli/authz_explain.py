"""`keystead authz explain`: why somebody may, or why not."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from keystead.authz.errors import AuthorizationError
from keystead.cli.authz_server import Credentials, token_for, token_options
from keystead.storage.ports import Relationship

if TYPE_CHECKING:
    from keystead.authz import AuthorizationDecision
    from keystead.authz.engine.graph import Graph

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_UNDECIDED: Final = 3


class Supposed(msgspec.Struct, frozen=True):
    """What the question supposes: more tuples, the context of conditions, and the time."""

    tuples: tuple[Relationship, ...]
    context: dict[str, object]
    now: float


@click.command("explain")
@click.argument("question", nargs=3, metavar="USER RELATION OBJECT")
@click.option("--file", type=_FILE, help="Ask the tuples of a store file.")
@click.option("--database", help="Ask the tuples of a database, say sqlite:///orders.db; with --model.")
@click.option("--tables", default="", help="What our tables' names begin with, in a service's own database: keystead_.")
@click.option("--model", type=_FILE, help="The model, in the OpenFGA language; with --database.")
@click.option("--server", help="Ask a server: BASE_URL/authz, or an OpenFGA server; with --store.")
@click.option("--store", default="default/default", help="REALM/STORE of a database, or the store's id on a server.")
@click.option("--model-id", default="", help="Another model than the newest; with --server.")
@token_options
@click.option(
    "--tuple", "tuples", multiple=True, help="Suppose this tuple too: order:17#viewer@user:carol. Repeatable."
)
@click.option("--context", default="", help="The parameters of conditions, as a JSON object.")
@click.option("--at", default="", help="Ask as of a time, in UTC: 2030-12-31T18:00.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def explain(question: tuple[str, str, str], tuples: tuple[str, ...], **options: Any) -> None:
    """Say whether USER has RELATION to OBJECT, and the path that proves it or the reason nothing does.

    Exit code: 0 for yes, 1 for no, 3 when it hangs on a condition whose parameters are missing.

    \b
    Examples:
      keystead authz explain user:alice viewer order:17 --file shop.fga.yaml
      keystead authz explain user:alice viewer order:17 --database sqlite:///shop.db --model shop.fga --store acme/shop
      keystead authz explain user:alice viewer order:17 --server http://localhost:8080/authz --store 01J... --agent
      keystead authz explain user:bob viewer order:17 --file shop.fga.yaml --tuple order:17#owner@user:bob
    """
    supposed = _supposed(tuples, options["context"], options["at"])
    sources = [name for name in ("file", "database", "server") if options[name]]
    if len(sources) != 1 or bool(options["database"]) != bool(options["model"]):
        raise click.UsageError("give --file, or --database and --model, or --server and --store")
    if options["server"] and "/" in options["store"]:
        raise click.UsageError("--server needs --store with the id of the store, such as 01HVMMBCMGZNT3SED4Z17ECXCA")
    try:
        decision = _ask(question, supposed, options)
    except AuthorizationError as error:
        raise click.ClickException(str(error)) from error
    click.echo(_document(question, decision) if options["as_json"] else str(decision))
    raise click.exceptions.Exit(_exit_code(decision))


def _supposed(tuples: tuple[str, ...], context: str, at: str) -> Supposed:
    from keystead.authz.moments import read_moment
    from keystead.authz.tuple_lines import read_context, read_tuples

    try:
        now = float(read_moment(at)) if at else time.time()
        return Supposed(read_tuples("\n".join(tuples)), read_context(context), now)
    except (AuthorizationError, ValueError) as error:
        raise click.UsageError(str(error)) from error


def _ask(question: tuple[str, str, str], supposed: Supposed, options: dict[str, Any]) -> AuthorizationDecision:
    if options["database"]:
        return _ask_database(question, supposed, options)
    if options["file"]:
        from keystead.authz.storefile import evaluator_of

        graph = evaluator_of(options["file"]).graph
    else:
        credentials = Credentials(options["token_file"], options["issuer"], options["client_id"], options["agent"])
        graph = asyncio.run(_graph_of_server(options, credentials, question[2], supposed))
    from keystead.authz.engine.evaluator import Evaluator
    from keystead.authz.engine.overlay import overlaid
    from keystead.authz.writes import accepted_tuples

    supposed_graph = overlaid(graph, accepted_tuples(graph.plan, supposed.tuples))
    return Evaluator(supposed_graph, now=supposed.now, context=supposed.context).explain(*question)


def _ask_database(question: tuple[str, str, str], supposed: Supposed, options: dict[str, Any]) -> AuthorizationDecision:
    from keystead.authz import open_sync
    from keystead.authz.language import read_model_file

    realm, _, name = options["store"].partition("/")
    model = read_model_file(options["model"])
    url, tables = options["database"], options["tables"]
    _require_tuples(url, tables)
    with open_sync(url, model=model, realm=realm, store=name, tables=tables, clock=lambda: supposed.now) as engine:
        decision = engine.explain(*question, tuples=supposed.tuples, context=supposed.context)
        if not decision.revision:
            click.echo(f"nothing was ever written to the store {realm}/{name} of this database", err=True)
        return decision


def _require_tuples(url: str, tables: str) -> None:
    """Refuse an SQLite file that is not there or has no tuples: opening it would make them, and looking must not."""
    import sqlite3
    from contextlib import closing

    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or tables:
        return
    if not Path(path).is_file():
        raise click.ClickException(f"there is no database {path}")
    with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "relationships" not in names:
        found = sorted(name.removesuffix("relationships") for name in names if name.endswith("_relationships"))
        remedy = f"; it has them under a prefix: --tables {found[0]}" if found else ""
        raise click.ClickException(f"{path} keeps no tuples{remedy}")


async def _graph_of_server(options: dict[str, Any], credentials: Credentials, object: str, supposed: Supposed) -> Graph:
    from keystead.app.openfga_import.around import graph_around
    from keystead.app.openfga_import.client import AuthorizationServer

    token = await token_for(options["server"], "authz:read", credentials)
    server = AuthorizationServer(options["server"], token)
    try:
        return await graph_around(server, options["store"], options["model_id"], object, supposed.tuples)
    finally:
        await server.close()


def _document(question: tuple[str, str, str], decision: AuthorizationDecision) -> str:
    from keystead.authz import Allowed, Conditional
    from keystead.authz.tuple_lines import tuple_line

    user, relation, object = question
    answer: dict[str, Any] = {"user": user, "relation": relation, "object": object, "allowed": bool(decision)}
    if isinstance(decision, Allowed):
        answer["path"] = [
            {
                "how": step.how,
                "has": step.has,
                "through": step.through,
                "tuple": tuple_line(step.tuple) if step.tuple else None,
                "depth": step.depth,
            }
            for step in decision.path
        ]
    else:
        answer |= {"reason": decision.reason, "detail": decision.detail, "looked_at": decision.looked_at}
        if isinstance(decision, Conditional):
            answer["missing"] = decision.missing
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()


def _exit_code(decision: AuthorizationDecision) -> int:
    from keystead.authz import Conditional

    return 0 if decision else _UNDECIDED if isinstance(decision, Conditional) else 1
