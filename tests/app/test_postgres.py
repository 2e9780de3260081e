"""The product on PostgreSQL: wrong settings and their remedies, nodes that are one, a database that goes away."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from keystead.app.key_encryption_key import load_or_make_key
from tests.app.test_commands import keystead
from tests.harness.databases import POSTGRES, server_settings
from tests.harness.issuer import RunningIssuer, issuer_in
from tests.harness.oauth_client import OAuthClient
from tests.harness.postgres import PostgresServer
from tests.harness.processes import free_port

SMALL = """
server: {base_url: "http://localhost:8080", listen: "127.0.0.1:PORT", database: "DATABASE"KEY}
realms: {acme: {apis: [{audience: https://notes.acme.example, scopes: [notes:read]}]}}
"""
PASSWORD = "correct-horse-battery-database"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that tests of this module stop and start."""
    made = PostgresServer(fsync="off")
    made.make()
    made.start()
    yield made
    made.remove()


@pytest.fixture
async def on_postgres(server: PostgresServer, tmp_path: Path) -> AsyncIterator[RunningIssuer]:
    """An issuer on that server, started."""
    schema = f"s{abs(hash(tmp_path))}"
    server.sql(f"CREATE SCHEMA {schema}")
    load_or_make_key(tmp_path / "kek")
    async with issuer_in(tmp_path) as issuer:
        url = server.url.replace("postgres@", f"postgres:{PASSWORD}@") + f"?search_path={schema}"
        issuer.configuration["server"] |= {"database": url, "key_encryption_key": "file:kek"}
        issuer.witness.saw("database_password", PASSWORD)
        await issuer.start()
        yield issuer


def small(tmp_path: Path, database: str, *, key: bool = True) -> None:
    """Write a small configuration file, and its key file."""
    load_or_make_key(tmp_path / "kek")
    text = (
        SMALL.replace("DATABASE", database)
        .replace("PORT", str(free_port()))
        .replace("KEY", ", key_encryption_key: file:kek" if key else "")
    )
    (tmp_path / "keystead.yaml").write_text(text)


def test_a_key_file_is_demanded(tmp_path: Path) -> None:
    small(tmp_path, "postgresql://db.example/keystead", key=False)
    refused = keystead("apply", cwd=tmp_path)
    assert refused.returncode == 1
    assert "keystead keys new-encryption-key" in refused.stderr
    assert "keystead.yaml:2" in refused.stderr


def test_the_gateway_obeys_the_same_rules(tmp_path: Path) -> None:
    text = "gateway: {client_id: shop, issuer: 'http://localhost:1/realms/acme', database: 'postgresql://db.example/x'}"
    (tmp_path / "keystead.yaml").write_text(text)
    refused = keystead("gateway", cwd=tmp_path)
    assert refused.returncode == 1
    assert "keystead keys new-encryption-key" in refused.stderr


@pytest.mark.attack("T2")
@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_a_database_across_a_network_is_verified(tmp_path: Path, mode: str) -> None:
    small(tmp_path, f"postgresql://keystead@db.example/keystead?sslmode={mode}")
    refused = keystead("plan", cwd=tmp_path)
    assert refused.returncode == 1
    assert f"sslmode={mode} lets others" in refused.stderr


def test_an_unreachable_database_is_said_in_one_line_without_its_password(tmp_path: Path) -> None:
    small(tmp_path, f"postgresql://keystead:{PASSWORD}@127.0.0.1:1/keystead")
    for command in ("serve", "apply", "doctor"):
        told = keystead(command, cwd=tmp_path)
        assert told.returncode == 1
        assert "postgresql://127.0.0.1:1/keystead: cannot be reached" in told.stdout + told.stderr
        assert "Traceback" not in told.stderr
        assert PASSWORD not in told.stdout + told.stderr


def test_the_doctor_looks_at_the_server_too(tmp_path: Path, server: PostgresServer) -> None:
    server.sql("CREATE SCHEMA looked_at")
    small(tmp_path, f"{server.url}?search_path=looked_at")
    assert keystead("apply", cwd=tmp_path).returncode == 0
    told = keystead("doctor", cwd=tmp_path)
    assert "PostgreSQL 1" in told.stdout
    assert "fsync or full_page_writes is off" in told.stdout
    assert "connects as a superuser" in told.stdout
    assert "the key-encryption key opens its keys" in told.stdout


@pytest.mark.attack("F5")
async def test_a_database_that_goes_away_is_503_at_once_and_nothing_needs_a_restart(
    on_postgres: RunningIssuer, server: PostgresServer
) -> None:
    client, batch = on_postgres.client("bff"), on_postgres.client("batch")
    alice = on_postgres.person("alice")
    tokens = await client.redeem(await alice.authorize(client, scope="openid catalog:read"))
    await batch.discover()
    management = f"http://127.0.0.1:{on_postgres.management_port}"
    for crash in (False, True):
        if crash:
            server.kill()
        else:
            server.stop()
        refused = await asyncio.wait_for(batch.token("client_credentials"), 30)
        assert (refused.status, refused.error) == (503, "temporarily_unavailable")
        assert "retry-after" in refused.headers
        assert (await asyncio.wait_for(client.refresh(tokens["refresh_token"]), 30)).status == 503
        page = await asyncio.wait_for(alice.visit(await client.authorization_url()), 30)
        assert page.status == 503
        assert (await batch.send("GET", f"{management}/health/ready")).status == 503
        assert (await batch.send("GET", f"{management}/health/live")).status == 200
        server.start()
        assert (await batch.send("GET", f"{management}/health/ready")).status == 200
        assert (await batch.token("client_credentials")).status == 200
    assert (await client.refresh(tokens["refresh_token"])).status == 200


async def test_two_nodes_rotate_keys_and_change_settings_as_one(on_postgres: RunningIssuer) -> None:
    """What a command does beside them, both serve; what one signs, the other knows."""
    other = await on_postgres.start_another()
    here, there = on_postgres.client("batch"), on_postgres.client("batch", origin=other)
    first = (await here.token("client_credentials"))["access_token"]
    rotated = keystead("keys", "rotate", "--now", cwd=on_postgres.directory)
    assert rotated.returncode == 0, rotated.stderr
    signed = {await _signed_by(here), await _signed_by(there)}
    for _ in range(100):
        if len(signed) == 2:
            break
        await asyncio.sleep(0.1)
        signed |= {await _signed_by(here), await _signed_by(there)}
    assert len(signed) == 2
    assert await _shown(here) == await _shown(there) >= signed
    for client in (here, there):
        assert (await client.introspect(first)).json["active"] is True
    on_postgres.realm["clients"] = [
        {**entry, "enabled": entry["client_id"] != "batch"} for entry in on_postgres.realm["clients"]
    ]
    on_postgres.write()
    assert keystead("apply", cwd=on_postgres.directory).returncode == 0
    for client in (here, there):
        assert (await client.token("client_credentials")).status == 401


async def test_nodes_that_start_together_on_an_empty_database_have_one_key(unserved: RunningIssuer) -> None:
    """Migration, the first key, the key check and the settings: four processes at once, one outcome."""
    unserved.configuration["server"] |= server_settings(POSTGRES, unserved.directory)
    await unserved.start("--workers", "2")
    origins = await asyncio.gather(*(unserved.start_another() for _ in range(2)))
    clients = [unserved.client("batch"), *(unserved.client("batch", origin=origin) for origin in origins)]
    shown = [await _shown(client) for client in clients]
    assert shown[0] == shown[1] == shown[2]


async def _shown(client: OAuthClient) -> set[str]:
    """Return the ids of the keys a node shows."""
    return {key["kid"] for key in (await client.send("GET", f"{client.issuer}/jwks")).json["keys"]}


async def _signed_by(client: OAuthClient) -> str:
    """Return the id of the key a node signs with."""
    token = (await client.token("client_credentials"))["access_token"]
    header = msgspec.json.decode(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    return str(header["kid"])
