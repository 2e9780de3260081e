"""Registration over the wire: from a token of the command line to a client that gets tokens of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from tests.harness.documents import document_server
from tests.harness.issuer import RunningIssuer

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def keystead(*arguments: str, cwd: Path) -> str:
    """Run a command to its end and return what it said."""
    command = [sys.executable, "-m", "keystead.cli.main", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


async def call(
    issuer: RunningIssuer, method: str, url: str, token: str = "", **more: Any
) -> tuple[int, dict[str, Any] | None]:
    """Call the running server."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with issuer.session.request(method, url, headers=headers, **more) as answer:
        return answer.status, await answer.json() if answer.content_length else None


async def test_from_the_command_line_to_a_working_client(unserved: RunningIssuer) -> None:
    issuer = unserved
    issuer.configuration["server"]["outbound"] = {"allow": ["127.0.0.0/8"]}
    issuer.realm["registration"] = {
        "policy": {"grant_types": ["client_credentials"], "scope": "catalog:read", "profile": "oauth21"}
    }
    await issuer.start()
    token = keystead("registration", "new-token", "--name", "tests", cwd=issuer.directory)
    key, endpoint = generate("ES256"), f"{issuer.url}/register"
    async with document_server() as server:
        metadata = {
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": server.put("/jwks", {"keys": [key.public().jwk()]}),
            "client_name": "Night shift",
        }
        status, told = await call(issuer, "POST", endpoint, token, json=metadata)
        assert status == 201
        assert told is not None
        client_id = told["client_id"]
        now = int(told["client_id_issued_at"])
        claims = {"iss": client_id, "sub": client_id, "aud": issuer.url, "jti": "1", "exp": now + 120}
        form = {"client_assertion_type": TYPE, "client_assertion": jws.sign(claims, key, "JWT")}
        status, minted = await call(
            issuer, "POST", f"{issuer.url}/token", data=form | {"grant_type": "client_credentials"}
        )
        assert (status, (minted or {}).get("scope")) == (200, "catalog:read")
    assert "'Night shift'" in keystead("registration", "list", cwd=issuer.directory)
    assert (await call(issuer, "POST", endpoint, token, json=metadata))[0] == 401, "the token was good once"
    management, own = str(told["registration_client_uri"]), str(told["registration_access_token"])
    assert (await call(issuer, "GET", management, own))[0] == 200
    assert (await call(issuer, "DELETE", management, own))[0] == 204
    assert (await call(issuer, "GET", management, own))[0] == 401
    assert keystead("registration", "list", cwd=issuer.directory) == "no client registered itself"
    for secret in (token, own):
        assert secret not in issuer.process.text()


def test_the_doctor_sees_open_registration(tmp_path: Path) -> None:
    (tmp_path / "keystead.yaml").write_text(
        'server: {base_url: "http://localhost:8080", listen: "127.0.0.1:8080", database: "sqlite:///k.db"}\n'
        "realms: {acme: {registration: {open: true, danger_vouch_for_open_registration: true}}}\n"
    )
    command = [sys.executable, "-m", "keystead.cli.main", "doctor"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=90)
    assert "anybody may register a client" in done.stdout
    assert "vouches for clients of anybody" in done.stdout
    assert done.returncode != 0
