"""OpenFGA's query matrix, 5,706 assertions, on every storage: embedded through ASGI, and served over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from keystead.api.openfga import application
from keystead.storage.memory import MemoryStore
from keystead.storage.ports import Store
from tests.contract.backends import BACKENDS, location
from tests.harness.configuration import REALM, new_secret
from tests.harness.databases import POSTGRES, SQLITE
from tests.harness.issuer import issuer_in
from tests.openfga.matrix import WHOLE, Ask, Json, Matrix, Run, Runner
from tests.openfga.wires import asgi_wire, http_wire

pytestmark = [pytest.mark.attack("Z1"), pytest.mark.spec("OpenFGA HTTP API")]
MATRIX: Final = Matrix()
SCOPES: Final = "authz:read authz:write authz:model authz:admin"
MEMORY: Final = "memory"
STORAGES: Final = (MEMORY, SQLITE, POSTGRES)
_AT_ONCE: Final = 12


async def failures(ask: Ask, runs: list[Run]) -> tuple[int, list[str]]:
    """Run tests and return how many assertions held, and what did not."""
    runner, waiting = Runner(ask, MATRIX), iter(runs)

    async def work() -> None:
        for run in waiting:
            await runner.run(run)

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return runner.passed.total(), runner.failures


@asynccontextmanager
async def served(storage: str, directory: Path) -> AsyncIterator[Ask]:
    """Give a wire to a `keystead serve` process, with a token of its own issuer."""
    async with issuer_in(directory, SQLITE if storage == MEMORY else storage) as issuer:
        if storage == MEMORY:
            issuer.configuration["server"]["database"] = "memory://"
        client: Json = {"client_id": "fga", "client_secret": new_secret(), "scope": SCOPES}
        client |= {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_post"}
        issuer.realm["clients"].append(client)
        await issuer.start()
        form = {"grant_type": "client_credentials", "client_id": "fga", "client_secret": client["client_secret"]}
        form["audience"] = f"{issuer.base_url}/authz"
        async with issuer.session.post(f"{issuer.base_url}/realms/{REALM}/token", data=form) as reply:
            token = (await reply.json())["access_token"]
        issuer.witness.saw("access_token", token)
        yield http_wire(issuer.session, f"{issuer.base_url}/authz", token)


@pytest.mark.parametrize("storage", STORAGES)
async def test_every_answer_is_openfgas_embedded(storage: str, tmp_path: Path) -> None:
    backend: Store = BACKENDS[storage](location(tmp_path))
    try:
        passed, wrong = await failures(asgi_wire(application(backend)), list(MATRIX.runs()))
    finally:
        await backend.close()
    assert wrong == []
    assert passed == WHOLE


@pytest.mark.parametrize("storage", STORAGES)
async def test_every_answer_is_openfgas_served(storage: str, tmp_path: Path) -> None:
    async with served(storage, tmp_path) as ask:
        passed, wrong = await failures(ask, list(MATRIX.runs()))
    assert wrong == []
    assert passed == WHOLE


async def test_the_runner_notices_a_wrong_answer() -> None:
    right = asgi_wire(application(MemoryStore()))

    async def liar(method: str, path: str, document: dict[str, object] | None) -> tuple[int, bytes]:
        status, body = await right(method, path, document)
        return status, body.replace(b'"allowed":false', b'"allowed":true')

    _, wrong = await failures(liar, [run for run in list(MATRIX.runs()) if run.test["name"] == "this"][:1])
    assert wrong
