"""`keystead doctor`: what is wrong or unsafe here, and what to do."""

from __future__ import annotations

from pathlib import Path

import click

from keystead.cli.configuration import config_option

SIGNS = {"ok": "ok  ", "note": "note", "bad": "BAD "}


@click.command("doctor")
@config_option
@click.pass_context
def command(context: click.Context, path: Path) -> None:
    """Look at the configuration file, its secrets, the database, the keys and the running issuer.

    Exits with 1 when something is BAD. Changes nothing and shows no secret.
    """
    from keystead.app.doctor import examine

    bad = False
    for finding in examine(path):
        click.echo(
            f"{SIGNS[finding.state]}  {finding.what}" + (f"\n      -> {finding.remedy}" if finding.remedy else "")
        )
        bad = bad or finding.state == "bad"
    if bad:
        context.exit(1)
