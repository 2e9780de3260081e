"""`keystead schema`: for editors."""

from __future__ import annotations

import json

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of the configuration file.

    Editors with a YAML language server take it from a first line such as
    `# yaml-language-server: $schema=keystead.schema.json`.
    """
    from keystead.app.settings import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
