"""`keystead authz explain` and `test`, asked wrongly: nothing is made, and the answer says what to do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click import ClickException
from click.testing import CliRunner, Result

from keystead.authz import open_sync, table_definitions
from keystead.cli.authz import command
from keystead.cli.authz_server import Credentials, token_for

MODEL = """
model
  schema 1.1
type user
type order
  relations
    define owner: [user]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, and nothing else."""
    monkeypatch.chdir(tmp_path)
    Path("shop.fga").write_text(MODEL, "utf-8")
    return tmp_path


def explain(*options: str) -> Result:
    """Ask whether alice owns order 1."""
    question = ["explain", "user:alice", "owner", "order:1", "--model", "shop.fga"]
    return CliRunner().invoke(command, [*question, *options])


def test_a_database_that_is_not_there_is_not_made(folder: Path) -> None:
    result = explain("--database", "sqlite:///nope.db")
    assert (result.exit_code, "there is no database nope.db" in result.stderr) == (1, True)
    assert [each.name for each in folder.iterdir()] == ["shop.fga"]


def test_tuples_in_a_services_own_tables_are_found_by_their_prefix() -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect("shop.db")) as connection, connection:
        for statement in table_definitions("sqlite"):
            connection.execute(statement)
    with (
        open_sync("sqlite:///shop.db", model=MODEL, tables="keystead_") as engine,
        closing(sqlite3.connect("shop.db")) as connection,
        connection,
    ):
        connection.execute("BEGIN")
        engine.within(connection).write(["order:1#owner@user:alice"])
    refused = explain("--database", "sqlite:///shop.db")
    assert "shop.db keeps no tuples; it has them under a prefix: --tables keystead_" in refused.stderr
    assert explain("--database", "sqlite:///shop.db", "--tables", "keystead_").stdout.startswith("allowed")


def test_a_store_nobody_wrote_to_is_pointed_out() -> None:
    with open_sync("sqlite:///tuples.db", model=MODEL, store="shop") as engine:
        engine.write(["order:1#owner@user:alice"])
    assert explain("--database", "sqlite:///tuples.db", "--store", "default/shop").exit_code == 0
    result = explain("--database", "sqlite:///tuples.db", "--store", "acme/shop")
    assert result.exit_code == 1
    assert "nothing was ever written to the store acme/shop" in result.stderr


def test_a_model_is_no_store_file() -> None:
    result = CliRunner().invoke(command, ["test", "shop.fga"])
    assert result.exit_code == 2
    assert "this is a model, not a store file; `keystead authz model validate`" in result.stdout


def test_a_server_is_asked_about_a_store_it_names() -> None:
    question = ["explain", "user:alice", "owner", "order:1", "--server", "http://127.0.0.1:9/authz"]
    result = CliRunner().invoke(command, question)
    assert result.exit_code == 2
    assert "--server needs --store with the id of the store" in result.stderr


async def test_an_address_that_is_no_issuer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    monkeypatch.setenv("KEYSTEAD_CLIENT_SECRET", "not shown")
    async with server:
        with pytest.raises(ClickException, match=r"there is no issuer; name an issuer, such as https://.*/realms/"):
            await token_for(f"{address}/authz", "authz:read", Credentials(None, address, "shop", False))
