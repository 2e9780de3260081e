"""`keystead authz`: everything about authorization models and relationships; each sub-command is a file of its own."""

from __future__ import annotations

import click

from keystead.cli.authz_explain import explain
from keystead.cli.authz_test import test


@click.group("authz")
def command() -> None:
    """Test an authorization model, and ask why somebody may or may not."""


command.add_command(test)
command.add_command(explain)
