"""billing: hears of orders on the bus, where it may only receive, and shows each person their invoices.

Shows: a service that works with its own identity, and never needs the person's token to do its part.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from fastapi import Depends, FastAPI

from keystead.core.decisions import Decision
from keystead.demo.shop.bus import join_bus
from keystead.demo.shop.ledger import Ledger
from keystead.demo.shop.surroundings import Surroundings
from keystead.sdk import AgentClient, VerifiedCaller
from keystead.sdk.bus import BusMessage
from keystead.sdk.fastapi import Protect


def create_application(surroundings: Surroundings) -> FastAPI:
    """Return billing's application."""
    ledger = Ledger(surroundings.directory, "billing")
    journal = surroundings.journal("billing")
    protect = Protect(issuer=surroundings.issuer, audience=surroundings.audience("billing"), journal=journal)
    agent = AgentClient(surroundings.agent)

    async def on_order(message: BusMessage) -> None:
        order = msgspec.json.decode(message.payload)
        new = ledger.add_invoice(order)
        facts = {"subject": message.subject, "order": order["id"], "invoice": "made" if new else "there already"}
        journal.record(
            Decision(action="bus.receive", allowed=True, reason="bus.received", trace=message.trace, facts=facts)
        )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        bus = await join_bus("billing", surroundings, agent)
        await bus.subscribe("orders.placed", on_order, queue="billing")
        yield
        await bus.close()

    application = FastAPI(title="billing", openapi_url=None, lifespan=lifespan)

    @application.get("/invoices")
    async def invoices(caller: Annotated[VerifiedCaller, Depends(protect("billing:read"))]) -> dict[str, Any]:
        return {"invoices": ledger.invoices_of(caller.subject)}

    return application
