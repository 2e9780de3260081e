"""The example whose rows are its tuples, in SQLAlchemy and in Django; the guide prints what the example does."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.unit.authz.rows.test_filters import sent_by

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "filter-queries.md"


class Caller:
    """Whose token was shown."""

    def __init__(self, subject: str) -> None:
        self.subject = subject


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The service over a database of the test, filled."""
    monkeypatch.setenv("ISSUER", "http://localhost:8080/realms/acme")
    monkeypatch.setenv("AUDIENCE", "https://orders.acme.example")
    monkeypatch.setenv("DATABASE", f"sqlite:///{tmp_path}/orders.db")
    sys.modules.pop("examples.orders_over_rows.service", None)
    service = importlib.import_module("examples.orders_over_rows.service")
    service.Base.metadata.create_all(service.database)
    with Session(service.database) as session:
        session.add_all([service.Team(id=1), service.Team(id=2, part_of=1), service.Member(team_id=2, user_id="carol")])
        session.add_all([service.Shop(id=1, team_id=1), service.Shop(id=2), service.Ban(shop_id=1, user_id="mallory")])
        for number, owner in enumerate(("alice", "bob", "mallory") * 20, start=1):
            session.add(service.Order(id=number, shop_id=1 + number % 2, owner_id=owner, text=f"order of {owner}"))
        session.commit()
    yield service
    service.database.dispose()


def client_of(service: Any, subject: str) -> httpx2.AsyncClient:
    """Return a client that shows somebody's token."""
    service.app.dependency_overrides[service.caller_who_reads] = lambda: Caller(subject)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=service.app), base_url="http://orders")


async def test_a_page_of_what_the_caller_may_view(service: Any) -> None:
    sent: list[str] = []
    sa.event.listen(service.database, "before_cursor_execute", sent_by(sent))
    async with client_of(service, "alice") as client:
        first = (await client.get("/orders")).json()
        assert {order["text"] for order in first} == {"order of alice"}
        assert len(sent) == 1
    async with client_of(service, "carol") as client:
        pages = [(await client.get("/orders")).json()]
        pages.append((await client.get("/orders", params={"before": pages[0][-1]["id"]})).json())
        seen = [order["id"] for page in pages for order in page]
        assert seen == [number for number in range(60, 0, -1) if number % 2 == 0]
    async with client_of(service, "mallory") as client:
        assert {order["id"] % 2 for order in (await client.get("/orders")).json()} == {1}


async def test_one_order_and_why(service: Any) -> None:
    async with client_of(service, "carol") as client:
        because = (await client.get("/orders/2")).json()["because"]
        assert any("team:2#member" in line for line in because)
        assert (await client.get("/orders/3")).status_code == 404
        assert (await client.get("/orders/999")).status_code == 404


async def test_nobody_without_a_token(service: Any) -> None:
    service.app.dependency_overrides.clear()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=service.app), base_url="http://orders") as client:
        assert (await client.get("/orders")).status_code == 401


def test_the_django_example_prints_what_the_guide_says() -> None:
    program = ROOT / "examples" / "orders_over_rows" / "django_orders.py"
    done = subprocess.run([sys.executable, str(program)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout in GUIDE.read_text("utf-8")
