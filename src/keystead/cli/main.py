"""The `keystead` command: finds and runs sub-commands, and says what went wrong in one line."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from typing import Final

from keystead import __version__
from keystead.core.errors import KeysteadError

try:
    import click
except ModuleNotFoundError as missing:
    message = "keystead: the commands need parts that are not installed: pip install 'keystead[server]'"
    raise SystemExit(message) from missing

COMMANDS: Final = {
    "demo": "Run the whole story on this machine: issuer, gateway, agent, bus and a small shop.",
    "serve": "Serve the realms of a configuration file.",
    "gateway": "Run the gateway (browser sessions, token exchange, reverse proxy).",
    "agent": "Run the node agent that tells services who they are.",
    "bus": "Prepare the message bus.",
    "plan": "Show what `apply` would change.",
    "apply": "Make the database be what the configuration file says.",
    "export": "Print the records of a database as a configuration file, without secrets.",
    "keys": "Make, list, rotate and withdraw keys.",
    "registration": "Make tokens that let others register clients, and see which clients did.",
    "breached": "Make and ask the file of passwords that nobody may have.",
    "schema": "Print the JSON Schema of the configuration file.",
    "authz": "Test models, ask why somebody may or may not, bring stores from OpenFGA and take them elsewhere.",
    "doctor": "Look for what is wrong or unsafe, and say what to do.",
    "test": "Run the tests (in a clone).",
    "bench": "Run the benchmarks (in a clone).",
    "docs": "Write the generated reference pages (in a clone).",
}
ELSEWHERE: Final = {"demo": "keystead.demo.command"}
CLONE_COMMANDS: Final = frozenset({"test", "bench", "docs"})
CLONE_VARIABLE: Final = "KEYSTEAD_CLONE"


class LazyGroup(click.Group):
    """A group that imports a sub-command's file when it is called, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order a reader wants them."""
        clone = CLONE_VARIABLE in os.environ
        return [name for name in COMMANDS if clone or name not in CLONE_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(ELSEWHERE.get(cmd_name, f"keystead.cli.{cmd_name.replace('-', '_')}"))
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may be meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not close:
                raise
            raise click.UsageError(f"{error.message} Did you mean `{close[0]}`?", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="keystead")
def keystead() -> None:
    """Identity and access for microservices: who is calling, on whose behalf, and may they do this."""


def main() -> None:
    """Run the command line."""
    try:
        # Without standalone mode click returns the exit code that a command asked for.
        status = keystead(prog_name="keystead", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeysteadError as error:
        click.echo(f"keystead: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
