"""The doctor sees who lets strangers in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml


def test_the_doctor_names_dangerous_trust(tmp_path: Path) -> None:
    entry = {
        "name": "ci",
        "issuer": "https://ci.test",
        "discovery": True,
        "workload": "deployer",
        "danger_accept_every_subject": True,
    }
    realm = {
        "danger_backchannel_test_decisions": True,
        "workloads": [{"name": "deployer"}],
        "trusted_issuers": [entry],
    }
    server = {"base_url": "http://localhost:8080", "listen": "127.0.0.1:8080", "database": "sqlite:///k.db"}
    (tmp_path / "keystead.yaml").write_text(yaml.safe_dump({"server": server, "realms": {"acme": realm}}))
    command = [sys.executable, "-m", "keystead.cli.main", "doctor"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=90)
    said = " ".join(done.stdout.split())
    assert "anybody may answer in people's place" in said
    assert "whoever https://ci.test names comes in as ci" in said
    assert done.returncode != 0
