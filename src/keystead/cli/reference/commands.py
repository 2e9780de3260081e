"""docs/reference/cli.md: every command, with its options, as `--help` says it."""

from __future__ import annotations

from pathlib import Path

import click

from keystead.cli.main import COMMANDS, keystead
from keystead.cli.reference.markdown import GENERATED, table


def page(root: Path) -> str:
    """Return the page."""
    parts = ["# Commands", GENERATED, "`./keystead COMMAND` in a clone, `keystead COMMAND` when installed."]
    context = click.Context(keystead)
    for name in COMMANDS:
        command = keystead.get_command(context, name)
        if command is not None:
            parts += _command(f"keystead {name}", command)
    return "\n\n".join(parts) + "\n"


def _command(path: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=path)
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [f"## {path}", f"`{path} {usage}`", _paragraphs(command.help or "")]
    options = [_option(parameter, context) for parameter in command.params if isinstance(parameter, click.Option)]
    if options:
        parts.append(table(["option", "meaning"], options))
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            parts += _command(f"{path} {name}", child)
    return parts


def _option(option: click.Option, context: click.Context) -> tuple[str, str]:
    names, help = option.get_help_record(context) or (", ".join(option.opts), "")
    return f"`{names}`", help


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.replace("\b", "").split("\n\n"))
