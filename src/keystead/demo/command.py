"""`keystead demo`: the whole story. The command line finds it by name: the demo stands above it and imports it."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("demo")
@click.option("--check", is_flag=True, help="Drive the story without a browser, print every hop and refusal, and stop.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep configuration, databases and logs in this directory instead of a temporary one.",
)
@click.pass_context
def command(context: click.Context, check: bool, keep: Path | None) -> None:
    """Run the whole story on this machine: issuer, gateway, agent, bus and a small shop, each its own process.

    Prints where to click and who can sign in. Everything listens on loopback only. Ctrl-C stops it all.
    """
    from keystead.demo.run import run_demo

    context.exit(run_demo(check=check, keep=keep))
