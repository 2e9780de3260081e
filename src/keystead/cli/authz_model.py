"""`keystead authz model`: check a model, print it in the other form, and say how two differ."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from keystead.authz.model import AuthorizationModel

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.group("model")
def model() -> None:
    """Check a model, print it, compare two. A FILE is in the language (`.fga`), in modules (`fga.mod`) or in JSON."""


@model.command("validate")
@click.argument("files", type=_FILE, nargs=-1, required=True)
def validate(files: tuple[Path, ...]) -> None:
    """Say everything that is wrong with models, with line, column and remedy. Exit code 1 if anything is.

    Example: keystead authz model validate shop.fga
    """
    from keystead.authz import ModelError

    wrong = 0
    for file in files:
        try:
            read = _read(file)
        except ModelError as error:
            wrong += 1
            click.echo(f"{file}: {error}")
        else:
            relations = sum(len(definition.relations) for definition in read.types)
            click.echo(f"{file}: ok, {len(read.types)} types, {relations} relations, {len(read.conditions)} conditions")
    if wrong:
        raise click.exceptions.Exit(1)


@model.command("print")
@click.argument("file", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print OpenFGA's JSON, not the language.")
def show(file: Path, as_json: bool) -> None:
    """Print a model in the language, modules in one piece, or as JSON.

    Example: keystead authz model print shop.fga --json
    """
    from keystead.authz.language import to_dsl, to_json

    read = _read(file)
    click.echo(json.dumps(to_json(read), indent=2) if as_json else to_dsl(read).rstrip())


@model.command("diff")
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
def diff(before: Path, after: Path) -> None:
    """Show what changes from one model to another, in whatever form they are written. Exit code 1 if anything does.

    Example: keystead authz model diff old.fga shop.fga
    """
    from keystead.authz.language import to_dsl

    old, new = (to_dsl(_read(file)).splitlines() for file in (before, after))
    lines = list(difflib.unified_diff(old, new, str(before), str(after), lineterm=""))
    click.echo("\n".join(lines) if lines else "the models are the same")
    if lines:
        raise click.exceptions.Exit(1)


def _read(file: Path) -> AuthorizationModel:
    from keystead.authz.language import read_model_file

    return read_model_file(file)
