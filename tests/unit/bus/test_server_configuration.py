"""What the broker is told, and what it is told never to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from keystead.bus.nats.server import find_nats_server, load_nats_keys, write_server_configuration
from keystead.core.errors import ConfigurationError


@pytest.mark.attack("T8")
def test_no_way_in_but_by_callout_and_no_secret_in_the_file(tmp_path: Path) -> None:
    path = write_server_configuration(tmp_path / "bus")
    text = path.read_text()
    assert 'listen: "127.0.0.1:4222"' in text
    for side_door in (
        "http",
        "no_auth_user",
        "mqtt",
        "websocket",
        "leafnodes",
        "gateway",
        "cluster",
        "password",
        "token:",
    ):
        assert side_door not in text
    seeds = {seed.name: seed for seed in (tmp_path / "bus").glob("*.seed")}
    assert set(seeds) == {"issuer.seed", "callout.seed", "system.seed"}
    for seed in seeds.values():
        assert seed.stat().st_mode & 0o777 == 0o600
        assert seed.read_text().strip() not in text
    subprocess.run([find_nats_server(), "-t", "-c", path], check=True, capture_output=True)


def test_written_again_the_keys_stay(tmp_path: Path) -> None:
    first = write_server_configuration(tmp_path / "bus").read_text()
    assert write_server_configuration(tmp_path / "bus").read_text() == first
    keys = load_nats_keys(tmp_path / "bus")
    assert len({keys.issuer.public, keys.callout.public, keys.system.public}) == 3


@pytest.mark.attack("T8")
def test_off_this_machine_only_with_tls(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "10.0.0.1", "::", "bus.example"):
        with pytest.raises(ConfigurationError, match="need TLS"):
            write_server_configuration(tmp_path / "bus", host=host)
    text = write_server_configuration(tmp_path / "bus", host="0.0.0.0", tls=("bus.crt", "bus.key")).read_text()
    assert 'tls { cert_file: "bus.crt", key_file: "bus.key" }' in text


@pytest.mark.attack("T8")
def test_seeds_that_others_can_read_or_that_are_garbled_stop_the_bus(tmp_path: Path) -> None:
    write_server_configuration(tmp_path / "bus")
    seed = tmp_path / "bus" / "issuer.seed"
    seed.chmod(0o644)
    with pytest.raises(ConfigurationError, match="others may read"):
        load_nats_keys(tmp_path / "bus")
    seed.chmod(0o600)
    seed.write_text((tmp_path / "bus" / "callout.seed").read_text())
    with pytest.raises(ConfigurationError, match="no seed of the kind"):
        load_nats_keys(tmp_path / "bus")
