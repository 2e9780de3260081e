"""`keystead bench`: the benchmarks of a clone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import click

from keystead.cli.test import clone_root


@click.command("bench", context_settings={"ignore_unknown_options": True})
@click.argument("name", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(name: str | None, arguments: tuple[str, ...]) -> None:
    """Run a benchmark, or list them. ARGUMENTS go to it: `./keystead bench issuer_http --rounds 1`."""
    root = clone_root()
    known = benchmarks(root)
    if name is None:
        for found, what in known.items():
            click.echo(f"{found:24} {what}")
        return
    if name not in known:
        raise click.ClickException(f"there is no benchmark {name}; there are: {', '.join(known)}")
    run = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    sys.exit(subprocess.run(run, cwd=root, check=False).returncode)  # noqa: S603 - our own command


def benchmarks(root: Path) -> dict[str, str]:
    """Return the benchmarks of a clone, each with the first line of its docstring: files that can be run."""
    found = {}
    for path in sorted((root / "benchmarks").glob("*.py")):
        text = path.read_text()
        if '__name__ == "__main__"' in text:
            found[path.stem] = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    return found
