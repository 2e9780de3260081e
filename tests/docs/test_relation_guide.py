"""The programs of the guide to routes by relation: each is what it says, and lets nobody in without a token."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "protect-routes-by-relation.md"
TITLED = re.compile(r'^```python title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
PROGRAMS = dict(TITLED.findall(GUIDE.read_text()))


def run(name: str) -> dict[str, Any]:
    """Run a program of the guide as a module, and return what it defines."""
    defined: dict[str, Any] = {"__name__": "guide"}
    exec(compile(PROGRAMS[name], name, "exec", dont_inherit=True), defined)
    return defined


async def test_fastapi() -> None:
    transport = httpx2.ASGITransport(app=run("fastapi_orders.py")["app"])
    async with httpx2.AsyncClient(transport=transport, base_url="http://orders") as client:
        assert (await client.get("/orders/17")).status_code == 401
        assert (await client.delete("/orders/17")).status_code == 401


async def test_flask() -> None:
    client = run("flask_orders.py")["app"].test_client()
    assert (await asyncio.to_thread(client.get, "/orders/17")).status_code == 401


async def test_django() -> None:
    from django.conf import settings
    from django.test import RequestFactory

    if not settings.configured:
        settings.configure()
    reply = await asyncio.to_thread(run("views.py")["read"], RequestFactory().get("/orders/17"), order_id="17")
    assert (reply.status_code, reply["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_every_program_runs(name: str) -> None:
    assert run(name)
