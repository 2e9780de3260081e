"""`keystead authz`: test an authorization model, and ask why somebody may or may not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from keystead.authz import AuthorizationDecision

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.group("authz")
def command() -> None:
    """Test an authorization model, and ask why somebody may or may not."""


@command.command("test")
@click.argument("files", type=_FILE, nargs=-1, required=True)
@click.option("-v", "--verbose", is_flag=True, help="Show what passed too, with the path that proves it.")
def test(files: tuple[Path, ...], verbose: bool) -> None:
    """Run the tests of OpenFGA store FILES (model, tuples and assertions in YAML)."""
    from keystead.authz.storefile import run_store_file

    failed = count = 0
    for file in files:
        for outcome in run_store_file(file):
            count += 1
            failed += not outcome.passed
            if verbose or not outcome.passed:
                mark = "ok  " if outcome.passed else "FAIL"
                click.echo(
                    f"{mark} {outcome.test}: {outcome.question}: expected {outcome.expected}, is {outcome.found}"
                )
                click.echo("".join(f"       {line}\n" for line in outcome.why.splitlines()), nl=False)
    click.echo(f"{count - failed} passed, {failed} failed")
    if failed or not count:
        raise click.exceptions.Exit(1)


@command.command("explain")
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
