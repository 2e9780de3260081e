"""`keystead authz`: everything about authorization models and relationships; each sub-command is a file of its own."""

from __future__ import annotations

import click

from keystead.cli.authz_explain import explain
from keystead.cli.authz_export import export
from keystead.cli.authz_import import import_stores
from keystead.cli.authz_model import model
from keystead.cli.authz_test import test


@click.group("authz")
def command() -> None:
    """Test models, ask why somebody may or may not, bring stores from OpenFGA and take them elsewhere."""


for each in (test, explain, model, import_stores, export):
    command.add_command(each)
