"""The commands: keys, doctor, and errors that a person can act on."""

from __future__ import annotations

import asyncio
import base64
import stat
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from tests.harness.issuer import RunningIssuer
from tests.harness.processes import free_port


def keystead(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "keystead.cli.main", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=90)


def test_help_is_there_without_loading_a_command(tmp_path: Path) -> None:
    told = keystead("--help", cwd=tmp_path)
    assert told.returncode == 0
    for name in ("demo", "serve", "gateway", "agent", "plan", "apply", "keys", "doctor"):
        assert f"\n  {name} " in told.stdout
    code = "import sys; sys.argv = ['keystead', '--help']; import keystead.cli.main as m\n"
    code += "try: m.main()\nexcept SystemExit: pass\nprint('uvicorn' in sys.modules, 'yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False False\n")


def test_an_unknown_command_and_a_missing_file_are_one_line_each(tmp_path: Path) -> None:
    unknown = keystead("srve", cwd=tmp_path)
    assert unknown.returncode == 2
    assert "No such command 'srve'. Did you mean `serve`?" in unknown.stderr
    missing = keystead("serve", cwd=tmp_path)
    assert missing.returncode == 1
    assert missing.stderr.startswith("keystead: keystead.yaml: cannot read the configuration")
    assert "Traceback" not in unknown.stderr + missing.stderr


SMALL = """
server: {base_url: "http://localhost:8080", listen: "127.0.0.1:PORT", database: "sqlite:///DATABASE"}
realms: {acme: {apis: [{audience: https://notes.acme.example, scopes: [notes:read]}]}}
"""


def small(tmp_path: Path, database: str) -> None:
    """Write a small configuration file."""
    (tmp_path / "keystead.yaml").write_text(SMALL.replace("DATABASE", database).replace("PORT", str(free_port())))


def test_whoever_only_looks_makes_no_database(tmp_path: Path) -> None:
    small(tmp_path, "new.db")
    planned = keystead("plan", cwd=tmp_path)
    assert "+ acme: api https://notes.acme.example" in planned.stdout
    assert keystead("export", cwd=tmp_path).returncode == 0
    assert "no keys yet" in keystead("keys", "list", cwd=tmp_path).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["keystead.yaml"]
    assert keystead("apply", cwd=tmp_path).returncode == 0
    assert "nothing to change" in keystead("plan", cwd=tmp_path).stdout
    unknown = keystead("keys", "rotate", "--realm", "acne", cwd=tmp_path)
    assert unknown.stderr == "keystead: there is no realm acne; `keystead apply` makes those of the file\n"


def test_a_database_that_cannot_be_opened_is_said_once_with_what_to_do(tmp_path: Path) -> None:
    small(tmp_path, "nowhere/keystead.db")
    missing = keystead("apply", cwd=tmp_path)
    assert f"create the directory {tmp_path / 'nowhere'}" in missing.stderr
    small(tmp_path, "damaged.db")
    assert keystead("apply", cwd=tmp_path).returncode == 0
    (tmp_path / "damaged.db").write_bytes(b"no database at all" * 100)
    damaged = keystead("apply", cwd=tmp_path)
    assert damaged.returncode == 1
    assert "restore this one from a backup" in damaged.stderr
    told = keystead("doctor", cwd=tmp_path)
    assert told.returncode == 1
    assert told.stdout.count("restore this one from a backup") == 1


def test_a_new_encryption_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    made = keystead("keys", "new-encryption-key", "kek", cwd=tmp_path)
    assert made.returncode == 0
    path = tmp_path / "kek"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    assert content.strip().decode() not in made.stdout + made.stderr
    again = keystead("keys", "new-encryption-key", "kek", cwd=tmp_path)
    assert again.returncode == 1
    assert path.read_bytes() == content


async def signing_keys(served: RunningIssuer) -> set[str]:
    """Return the kids of the published keys of the realm's own algorithm."""
    document = (await served.client("batch").send("GET", f"{served.url}/jwks")).json
    return {key["kid"] for key in document["keys"] if key.get("alg") == "ES256"}


async def test_keys_rotate_while_the_issuer_runs(served: RunningIssuer) -> None:
    batch = served.client("batch")
    (before,) = await signing_keys(served)
    listed = keystead("keys", "list", cwd=served.directory)
    assert f"acme  ES256  {before}  signs since" in listed.stdout
    assert listed.stdout.count("clients encrypt to it") == 2
    rotated = keystead("keys", "rotate", "--now", cwd=served.directory)
    assert rotated.returncode == 0, rotated.stderr
    token = (await batch.token("client_credentials"))["access_token"]
    assert (await batch.introspect(token)).json["active"] is True
    after: set[str] = set()
    deadline = time.monotonic() + 40
    while len(after) < 2 and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        after = await signing_keys(served)
    assert len(after) == 2
    assert before in after


async def test_no_token_is_signed_by_a_key_that_is_not_shown(served: RunningIssuer) -> None:
    """Even `--now` shows the key first: a verifier that fetches the keys for a token finds the one that signed it."""
    batch = served.client("batch")
    (before,) = await signing_keys(served)
    assert keystead("keys", "rotate", "--now", cwd=served.directory).returncode == 0
    deadline, seen = time.monotonic() + 40, {before}
    while len(seen) < 2 and time.monotonic() < deadline:
        token = (await batch.token("client_credentials"))["access_token"]
        shown = await signing_keys(served)
        kid = msgspec.json.decode(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]
        assert kid in shown
        seen.add(kid)
    assert len(seen) == 2


async def test_the_doctor_is_content_with_a_running_issuer_and_names_what_is_not(served: RunningIssuer) -> None:
    path = served.directory / "keystead.yaml"
    path.chmod(0o600)
    well = keystead("doctor", cwd=served.directory)
    assert well.returncode == 0, well.stdout
    assert f"{served.url} answers with its own name" in well.stdout
    path.chmod(0o644)
    told = keystead("doctor", cwd=served.directory)
    assert told.returncode == 1
    assert "others can read secrets written in it" in told.stdout
    for client in served.realm["clients"]:
        assert client.get("client_secret", "none") not in told.stdout
    path.write_text(path.read_text().replace("realms:", "relams:"))
    wrong = keystead("doctor", cwd=served.directory)
    assert wrong.returncode == 1
    assert "realms" in wrong.stdout


async def test_a_lost_or_foreign_key_file_is_said_and_not_made_anew(served: RunningIssuer) -> None:
    assert await served.process.stop() == 0
    path = served.directory / "keystead.db.key"
    kept = path.read_bytes()
    path.unlink()
    for arguments in (("serve",), ("keys", "rotate"), ("apply",), ("plan",), ("doctor",)):
        told = keystead(*arguments, cwd=served.directory)
        assert told.returncode == 1, arguments
        assert "put it back" in told.stderr + told.stdout
        assert not path.exists()
    path.write_bytes(kept[::-1].strip() + b"\n")
    path.chmod(0o600)
    for arguments in (("serve",), ("keys", "rotate"), ("apply",), ("plan",), ("doctor",)):
        told = keystead(*arguments, cwd=served.directory)
        assert told.returncode == 1, arguments
        assert "does not open this database" in told.stderr + told.stdout
