"""Off this machine the database proves who it is: nobody else can read or answer in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keystead.core.errors import StorageUnavailable
from keystead.storage.ports import get
from keystead.storage.postgres.address import hosts, spoken, stays_here
from tests.contract.kinds import NOW, Plain
from tests.contract.wire import store_at
from tests.harness.postgres import PostgresServer
from tests.unit.sdk.certificates import tls_pair


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server with a certificate for 127.0.0.1 that nobody but its own file vouches for."""
    made = PostgresServer(fsync="off", ssl="on")
    made.make()
    folder = tmp_path_factory.mktemp("certificate")
    tls_pair(folder)
    for name in ("server.crt", "server.key"):
        made.put(name, (folder / "server.pem").read_bytes())
    (made.directory / "authority.pem").write_bytes((folder / "server.pem").read_bytes())
    made.start()
    yield made
    made.remove()


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat loopback as if it were another machine."""
    monkeypatch.setattr("keystead.storage.postgres.connecting.stays_here", lambda url: False)


@pytest.mark.attack("T2")
@pytest.mark.usefixtures("far_away")
@pytest.mark.parametrize("mode", ["", "?sslmode=verify-full"])
async def test_a_server_nobody_vouches_for_is_not_spoken_to(server: PostgresServer, mode: str) -> None:
    async with store_at(server.url + mode) as store:
        with pytest.raises(StorageUnavailable, match="certificate verify failed"):
            await store.read(get(Plain, "acme", "x", NOW))


@pytest.mark.usefixtures("far_away")
@pytest.mark.parametrize("mode", ["", "&sslmode=verify-full"])
async def test_a_server_a_named_authority_vouches_for_is(server: PostgresServer, mode: str) -> None:
    async with store_at(f"{server.url}?sslrootcert={server.directory}/authority.pem{mode}") as store:
        assert await store.read(get(Plain, "acme", "x", NOW)) is None
        used = server.sql(
            "SELECT bool_and(ssl) FROM pg_stat_ssl NATURAL JOIN pg_stat_activity WHERE application_name = 'keystead'"
        )
        assert used.strip() == "t"


@pytest.mark.attack("T2")
@pytest.mark.usefixtures("far_away")
async def test_a_certificate_for_another_name_is_not_believed(server: PostgresServer) -> None:
    url = f"{server.url}?sslrootcert={server.directory}/authority.pem".replace("127.0.0.1", "localhost")
    async with store_at(url) as store:
        with pytest.raises(StorageUnavailable, match=r"(?i)hostname|verify"):
            await store.read(get(Plain, "acme", "x", NOW))


@pytest.mark.attack("T2")
@pytest.mark.usefixtures("far_away")
async def test_a_server_without_tls_is_not_spoken_to(tmp_path: Path) -> None:
    plain = PostgresServer(fsync="off")
    try:
        plain.make()
        plain.start()
        async with store_at(plain.url) as store:
            with pytest.raises(StorageUnavailable):
                await store.read(get(Plain, "acme", "x", NOW))
    finally:
        plain.remove()


@pytest.mark.parametrize(
    ("url", "named", "here"),
    [
        ("postgresql://u:p@db.example:5432/k", ["db.example"], False),
        ("postgresql://u:p@127.0.0.1:1,db.example/k", ["127.0.0.1", "db.example"], False),
        ("postgresql://u:p@127.0.0.1,localhost/k", ["127.0.0.1", "localhost"], True),
        ("postgresql://[::1]:5432/k", ["::1"], True),
        ("postgresql:///k?host=/run/postgresql", ["/run/postgresql"], True),
        ("postgresql:///k?host=db.example", ["db.example"], False),
        ("postgresql://u@localhost.evil.example/k", ["localhost.evil.example"], False),
        ("postgresql://u:p%40127.0.0.1@db.example/k", ["db.example"], False),
    ],
)
def test_which_host_a_url_means(url: str, named: list[str], here: bool) -> None:
    assert hosts(url) == named
    assert stays_here(url) is here
    assert "p@" not in spoken(url)
