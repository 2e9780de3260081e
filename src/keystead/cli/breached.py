"""`keystead breached`: make the file of breached passwords out of public lists, and ask it."""

from __future__ import annotations

from pathlib import Path

import click

_MILLION = 1_000_000


@click.group("breached")
def command() -> None:
    """Make and ask the file of passwords that nobody may have."""


@command.command("build")
@click.argument("lists", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--output", default=Path("passwords.breached"), show_default=True, type=click.Path(path_type=Path, dir_okay=False)
)
@click.option("--at-least", default=1, show_default=True, help="Leave out what was seen less often (HASH:COUNT lists).")
@click.option(
    "--one-in",
    default=_MILLION,
    show_default=True,
    type=click.IntRange(1_000, 1_000_000_000),
    help="How many passwords of strangers may be chosen before one is refused by mistake. More costs space.",
)
def build_file(lists: tuple[Path, ...], output: Path, at_least: int, one_in: int) -> None:
    """Build a file out of LISTS: lines of SHA-1 hashes (`HASH` or `HASH:COUNT`, as in the downloads of Have I Been
    Pwned), or of passwords, one a line. Takes 8 bytes a password on disk while it builds, about 2.8 in the end.

    Name the file as `server.breached_passwords.file`. It is replaced in one step: a running server may be asking it.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from keystead.identity.breached.building import Wanted, build

    with Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), transient=True) as bar:
        tasks = {"reading": bar.add_task("reading"), "writing": bar.add_task("writing")}

        def show(what: str, done: int, of: int) -> None:
            bar.update(tasks[what], completed=done, total=of or None)

        try:
            layout = build(lists, output, Wanted(at_least, (one_in - 1).bit_length()), show)
        except OSError as error:
            raise click.ClickException(
                f"{error.filename or output}: {error.strerror or error}; {output} is as it was"
            ) from error
    click.echo(f"{output}: {layout.count:,} passwords in {layout.size:,} bytes. Name it in the configuration:")
    click.echo(f"  server: {{breached_passwords: {{file: {output}}}}}")


@command.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
def check(file: Path | None) -> None:
    """Ask FILE, or the list that comes along, whether it holds a password, which is typed and not shown.

    Exit status: 0 when it does not, 1 when it does.
    """
    from keystead.core.values import Secret
    from keystead.identity.breached.reading import open_breached, open_common

    breached = open_breached(file) if file else open_common()
    if breached.holds(Secret(click.prompt("Password", hide_input=True))):
        raise click.ClickException("it is on the list: nobody may choose it")
    click.echo("It is not on the list.")
