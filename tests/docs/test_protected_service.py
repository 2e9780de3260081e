"""The example service, run as its README says: its own issuer, its own process, real tokens."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from keystead.authz.storefile import run_store_file
from tests.harness.processes import free_port

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "protected_service"
AUDIENCE = "https://documents.acme.example"
PATIENCE = 30.0


class Example:
    """The issuer and the service, and how to call them as a client."""

    def __init__(self, issuer: str, service: str, passwords: dict[str, str]) -> None:
        self.issuer = issuer
        self.service = service
        self.passwords = passwords
        self.http = httpx2.Client(timeout=10.0)

    def token(self, client: str, **parameters: str) -> str:
        """Return a token of one of the two clients."""
        answer = self.http.post(
            f"{self.issuer}/token",
            data={"grant_type": "client_credentials", **parameters},
            auth=(client, self.passwords[client]),
        )
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def call(self, method: str, path: str, token: str = "", content: str = "") -> httpx2.Response:
        """Call the service."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if content:
            headers["Content-Type"] = "text/plain"
        return self.http.request(method, f"{self.service}{path}", headers=headers, content=content or None)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """Both running, on free ports."""
    folder, ports = tmp_path_factory.mktemp("example"), (free_port(), free_port())
    configuration = (EXAMPLE / "keystead.yaml").read_text("utf-8").replace("8080", str(ports[0]))
    (folder / "keystead.yaml").write_text(configuration, "utf-8")
    passwords = {"writer": secrets.token_urlsafe(32), "reader": secrets.token_urlsafe(32)}
    issuer = f"http://localhost:{ports[0]}/realms/acme"
    environment = {
        **os.environ,
        "WRITER_SECRET": passwords["writer"],
        "READER_SECRET": passwords["reader"],
        "ISSUER": issuer,
        "AUDIENCE": AUDIENCE,
        "PYTHONPATH": str(ROOT),
    }
    commands = [
        ["keystead.cli.main", "serve", "--config", "keystead.yaml"],
        ["uvicorn", "examples.protected_service.service:app", "--port", str(ports[1])],
    ]
    started = [
        subprocess.Popen([sys.executable, "-m", *command], cwd=folder, env=environment, stderr=subprocess.DEVNULL)
        for command in commands
    ]
    example = Example(issuer, f"http://127.0.0.1:{ports[1]}", passwords)
    try:
        wait_for(example.http, f"{issuer}/jwks")
        wait_for(example.http, f"{example.service}/documents")
        yield example
    finally:
        example.http.close()
        for process in started:
            process.terminate()
        for process in started:
            process.wait(10)


def wait_for(http: httpx2.Client, url: str) -> None:
    """Wait until something answers."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            http.get(url)
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{url} did not answer")


def test_the_story_of_the_readme(example: Example) -> None:
    writer, reader = example.token("writer"), example.token("reader")
    assert example.call("PUT", "/documents/plan", writer, "the plan").json() == {"owner": "writer"}
    mine = example.call("GET", "/documents/plan", writer).json()
    assert mine["text"] == "the plan"
    assert mine["because"] == [
        "document:plan#reader: comes with document:plan#owner",
        "document:plan#owner: named by a tuple",
    ]
    assert example.call("GET", "/documents/plan", reader).status_code == 404
    assert example.call("GET", "/documents", reader).json() == []
    assert example.call("PUT", "/documents/plan/readers/reader", writer).status_code == 200
    assert example.call("GET", "/documents/plan", reader).json()["because"] == [
        "document:plan#reader: named by a tuple"
    ]
    assert example.call("GET", "/documents", reader).json() == ["document:plan"]
    assert example.call("GET", "/documents/other", reader).status_code == 404


def test_what_must_be_refused(example: Example) -> None:
    writer, reader = example.token("writer"), example.token("reader")
    assert example.call("GET", "/documents").status_code == 401
    assert example.call("GET", "/documents", forged(reader)).status_code == 401
    assert example.call("PUT", "/documents/mine", reader, "x").status_code == 403  # no scope
    narrowed = example.token("writer", scope="documents:read")
    assert example.call("PUT", "/documents/mine", narrowed, "x").status_code == 403
    assert example.call("PUT", "/documents/a%3Ab", writer, "x").status_code == 422
    assert example.call("PUT", "/documents/mine", writer, "x").status_code == 200
    assert example.call("PUT", "/documents/mine/readers/reader", reader).status_code == 403


def forged(token: str) -> str:
    """Return the token with another signature."""
    return f"{token.rpartition('.')[0]}.{base64.urlsafe_b64encode(bytes(64)).rstrip(b'=').decode()}"


def test_the_model_does_what_its_tests_say() -> None:
    outcomes = run_store_file(EXAMPLE / "documents.fga.yaml")
    assert len(outcomes) == 5
    assert all(outcome.passed for outcome in outcomes)
