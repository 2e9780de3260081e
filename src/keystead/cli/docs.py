"""`keystead docs`: writes the reference pages of a clone."""

from __future__ import annotations

import click

from keystead.cli.test import clone_root


@click.command("docs")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a page is behind the code.")
def command(check: bool) -> None:
    """Write the generated pages of docs/reference."""
    from keystead.cli.reference import PAGES

    root = clone_root()
    behind = []
    for name, make in PAGES.items():
        path = root / "docs" / "reference" / name
        text = make(root)
        if path.exists() and path.read_text() == text:
            continue
        behind.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    click.echo(f"{'behind' if check else 'written'}: {', '.join(behind)}" if behind else "all pages are up to date")
    if check and behind:
        raise click.exceptions.Exit(1)
