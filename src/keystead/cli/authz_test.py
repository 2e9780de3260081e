"""`keystead authz test`: run the assertions of store files."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("test")
@click.argument("files", type=click.Path(path_type=Path, dir_okay=False, exists=True), nargs=-1, required=True)
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
