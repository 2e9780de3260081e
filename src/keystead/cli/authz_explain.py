"""`keystead authz explain`: why somebody may, or why not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from keystead.authz import AuthorizationDecision

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command("explain")
@click.argument("question", nargs=3, metavar="USER RELATION OBJECT")
@click.option("--file", type=_FILE, help="Ask the tuples of a store file.")
@click.option("--database", help="Ask the tuples of a database, say sqlite:///orders.db; with --model.")
@click.option("--model", type=_FILE, help="The model, in the OpenFGA language; with --database.")
@click.option("--store", default="default/default", show_default=True, help="REALM/STORE; with --database.")
def explain(
    question: tuple[str, str, str], file: Path | None, database: str | None, model: Path | None, store: str
) -> None:
    """Say whether USER has RELATION to OBJECT, and the path that proves it or the reason nothing does.

    Exit code: 0 for yes, 1 for no.

    Example: keystead authz explain user:alice viewer order:17 --file shop.fga.yaml
    """
    from keystead.authz.storefile import evaluator_of

    if file and not database:
        decision = evaluator_of(file).explain(*question)
    elif database and model and not file:
        decision = _explain_in_database(database, model, store, question)
    else:
        raise click.UsageError("give --file, or --database and --model")
    click.echo(str(decision))
    raise click.exceptions.Exit(0 if decision else 1)


def _explain_in_database(
    database: str, model: Path, store: str, question: tuple[str, str, str]
) -> AuthorizationDecision:
    from keystead.authz import open_sync

    realm, _, name = store.partition("/")
    with open_sync(database, model=model.read_text("utf-8"), realm=realm, store=name) as engine:
        return engine.explain(*question)
