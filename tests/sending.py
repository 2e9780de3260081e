"""A delivery worker beside a test, for as long as the test wants one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from keystead.app.delivery_worker import DeliveryWorker
from tests.issuer import Issuer


@asynccontextmanager
async def working(*issuers: Issuer) -> AsyncIterator[None]:
    """One worker per issuer."""
    tasks = [asyncio.create_task(DeliveryWorker(issuer.cx, ("acme",)).run()) for issuer in issuers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
