"""`keystead bus`: prepare the message bus."""

from __future__ import annotations

from pathlib import Path

import click

from keystead.cli.configuration import config_option


@click.group("bus")
def command() -> None:
    """Prepare the message bus."""


@command.command("prepare")
@config_option
@click.option("--listen", default="127.0.0.1:4222", show_default=True, help="Where the broker shall listen.")
@click.option("--tls", nargs=2, default=None, metavar="CERTIFICATE KEY", help="Files of the broker's certificate.")
def prepare(path: Path, listen: str, tls: tuple[str, str] | None) -> None:
    """Make the broker's keys and its configuration file in the directory that the `bus` section names.

    Keys that are there already stay as they are. The broker does not take the file while it runs: restart it.
    """
    from keystead.app.bus_admission import beside
    from keystead.app.settings import load_settings
    from keystead.bus.nats.server import write_server_configuration
    from keystead.core.errors import ConfigurationError

    settings = load_settings(path, agent_keys=False).bus
    if settings is None:
        raise ConfigurationError("the file has no `bus` section: it needs `realm`, `audience` and `directory`")
    directory = Path(beside(settings, path.absolute().parent).directory)
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise click.UsageError("--listen takes an address and a port, such as 127.0.0.1:4222")
    written = write_server_configuration(directory, host=host, port=int(port), tls=tls)
    click.echo(f"wrote {written}")
    click.echo(f"start the broker with: nats-server -c {written}")
