"""Fixtures every test may use."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from keystead.sdk import revocation_feed
from tests.harness.databases import DATABASES
from tests.harness.issuer import RunningIssuer, issuer_in, running_issuer
from tests.harness.postgres import stop_shared_server
from tests.issuer import Issuer
from tests.market import Market, open_market
from tests.not_run import NotRun
from tests.served import FrontDoor, front_door
from tests.shop import open_shop
from tests.token_likes import leaking_lines

settings.register_profile(
    "keystead", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("keystead")  # the same inputs in every run, and no stop-watch: machines differ


def pytest_configure(config: pytest.Config) -> None:
    """Say at the end what did not run."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(NotRun(), "keystead-not-run")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this test process started for all its tests."""
    stop_shared_server()


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[Issuer]:
    """An issuer without a server, on a fresh SQLite file."""
    made = Issuer(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[RunningIssuer]:
    """The product, started as a process on a fresh database, with the usual shop."""
    async with running_issuer(tmp_path) as running:
        yield running


@pytest.fixture(params=DATABASES)
async def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RunningIssuer]:
    """A started issuer, once on each database that several processes may share. `start_another` adds a process."""
    async with running_issuer(tmp_path, request.param) as running:
        yield running


@pytest.fixture(params=DATABASES)
async def unstarted_nodes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RunningIssuer]:
    """The same, not started yet."""
    async with issuer_in(tmp_path, request.param) as prepared:
        yield prepared


@pytest.fixture
async def unserved(tmp_path: Path) -> AsyncIterator[RunningIssuer]:
    """The same, not started yet: change its configuration first."""
    async with issuer_in(tmp_path) as prepared:
        yield prepared


@pytest.fixture
async def market(issuer: Issuer) -> Market:
    """The token tests' realm, with a person signed in."""
    return await open_market(issuer)


@pytest.fixture
async def door(issuer: Issuer) -> AsyncIterator[FrontDoor]:
    """The corner shop's realm behind the real HTTP server."""
    async with front_door(issuer) as opened:
        await open_shop(issuer)
        yield opened


@pytest.fixture(autouse=True)
def no_follower_outlives_its_test() -> Iterator[None]:
    """A verifier nobody closed would go on asking at its issuer's port, where another test's server may listen now."""
    before = weakref.WeakSet(revocation_feed._shared.values())
    yield
    for feed in list(revocation_feed._shared.values()):
        if feed not in before:
            feed.step = lambda: 3_600.0  # type: ignore[method-assign]  # its thread sleeps until nobody holds the feed


@pytest.fixture(scope="session", autouse=True)
def no_token_in_any_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Search every log file of the whole run for anything that looks like a token (attack T6)."""
    yield
    logs = [path for path in tmp_path_factory.getbasetemp().rglob("*.log") if path.is_file()]
    assert leaking_lines(logs) == []
