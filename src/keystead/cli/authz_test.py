"""`keystead authz test`: run the assertions of store files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from keystead.authz.storefile import Outcome


@click.command("test")
@click.argument("files", type=click.Path(path_type=Path, dir_okay=False, exists=True), nargs=-1, required=True)
@click.option("-v", "--verbose", is_flag=True, help="Show what passed too, and the relations no test asks for.")
def test(files: tuple[Path, ...], verbose: bool) -> None:
    """Run the tests of OpenFGA store FILES (model, tuples and assertions in YAML).

    Exit code: 0 when everything passed, 1 when an assertion failed or there is none, 2 when a file cannot be used.
    """
    passed = failed = unusable = 0
    for file in files:
        outcomes = _run(file, verbose)
        if outcomes is None:
            unusable += 1
            continue
        passed += sum(outcome.passed for outcome in outcomes)
        failed += sum(not outcome.passed for outcome in outcomes)
        for outcome in outcomes:
            if verbose or not outcome.passed:
                click.echo(_told(outcome), nl=False)
    click.echo(f"{passed} passed, {failed} failed{f', {unusable} of the files unusable' if unusable else ''}")
    if unusable or failed or not passed:
        raise click.exceptions.Exit(2 if unusable else 1)


def _run(file: Path, verbose: bool) -> list[Outcome] | None:
    """Run a file; None, and the reason told, when it cannot be used."""
    from keystead.authz.storefile import read_store, run_store, unasked_relations
    from keystead.core.errors import KeysteadError

    try:
        store = read_store(file)
        outcomes = run_store(store)
    except KeysteadError as error:
        lines = str(error).splitlines()
        click.echo(f"UNUSABLE {file}\n" + "".join(f"     {line}\n" for line in lines), nl=False)
        return None
    unasked = unasked_relations(store, outcomes) if verbose else []
    if unasked:
        click.echo(f"{file}: no test asks for {', '.join(unasked)}")
    return outcomes


def _told(outcome: Outcome) -> str:
    """Write an assertion for a reader."""
    if outcome.passed:
        head = [f"ok   {outcome.test}: {outcome.question}: {outcome.found}"]
    else:
        head = [
            f"FAIL {outcome.test}: {outcome.question}",
            f"     expected: {outcome.expected}",
            f"     got:      {outcome.found}",
        ]
    return "".join(f"{line}\n" for line in [*head, *(f"       {line}" for line in outcome.why.splitlines())])
