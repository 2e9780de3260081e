"""Every `keystead` command line written in README and docs exists, with every option it uses."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from keystead.cli.main import COMMANDS, keystead

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINE = re.compile(r"^\s*(?:\$ )?(?:\./)?keystead ([a-z].*)$", re.MULTILINE)
FENCE = re.compile(r"^```(?:bash|sh|console|shell)?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def command_lines(page: Path) -> list[str]:
    """Return the command lines in the fenced blocks of a page."""
    return [line for block in FENCE.findall(page.read_text()) for line in LINE.findall(block)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_command_lines_can_be_typed_as_written(page: Path) -> None:
    for line in command_lines(page):
        words = shlex.split(line, comments=True)
        for cut in ("&", "|", ">", "&&", ";", "2>"):
            words = words[: words.index(cut)] if cut in words else words
        assert words[0] in COMMANDS, f"{page.name}: there is no `keystead {words[0]}`"
        command = keystead.get_command(click.Context(keystead), words[0])
        assert command is not None
        _parse(command, words[1:], f"{page.name}: keystead {line}")


def _parse(command: click.Command, words: list[str], where: str) -> None:
    if isinstance(command, click.Group) and words:
        assert words[0] in command.commands, where
        _parse(command.commands[words[0]], words[1:], where)
        return
    if "--help" in words:
        return
    try:
        command.make_context("keystead", list(words), resilient_parsing=False)
    except click.UsageError as error:
        raise AssertionError(f"{where}: {error.format_message()}") from error
