"""orders: takes an order, reserves stock on the person's behalf, tells the bus, and decides who may see which order.

Shows: token exchange down the chain (person kept, `act` grown), the service's own identity on the bus (send only), and
a relationship-based decision with its proof, from tuples in the service's own database.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
import msgspec
from fastapi import Depends, FastAPI, HTTPException, Request

import keystead.authz as authz
from keystead.core.decisions import Check, Decision
from keystead.demo.shop.bus import join_bus
from keystead.demo.shop.inventory import read_body
from keystead.demo.shop.ledger import PRICES, Ledger
from keystead.demo.shop.surroundings import Surroundings
from keystead.sdk import AgentClient, TokenExchange, VerifiedCaller
from keystead.sdk.bus import Bus
from keystead.sdk.fastapi import Protect

SHOP = "shop:northfold"
SUPPORT = "team:support"
MODEL = Path(__file__).parent / "model.fga"


class NewOrder(msgspec.Struct):
    """What the browser sends."""

    product: str
    quantity: int = 1


class Orders:
    """What the service works with, once it is running."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.ledger = Ledger(surroundings.directory, "orders")
        self.journal = surroundings.journal("orders")
        self.agent = AgentClient(surroundings.agent)
        self.exchange = TokenExchange(issuer=surroundings.issuer, agent=self.agent)
        self.bus: Bus
        self.http = httpx2.AsyncClient(timeout=5.0)
        self.engine = authz.open(surroundings.database("orders"), model=MODEL.read_text(), store="orders")

    async def start(self) -> None:
        """Say which team is the shop's support, and connect to the bus."""
        await self.engine.write([f"{SHOP}#support@{SUPPORT}#member"], ignore_duplicates=True)
        self.bus = await join_bus("orders", self.surroundings, self.agent)

    async def stop(self) -> None:
        """Let go of everything."""
        await self.bus.close()
        await self.http.aclose()
        await self.engine.close()

    async def place(self, wanted: NewOrder, caller: VerifiedCaller) -> dict[str, Any]:
        """Reserve stock, store the order with its tuples, and tell the bus."""
        reserved = await self.reserve(wanted, caller)
        order = self.ledger.add_order(caller.subject, wanted.product, wanted.quantity)
        number = f"order:{order['id']}"
        await self.engine.write([f"{number}#owner@user:{caller.subject}", f"{number}#shop@{SHOP}"])
        await self._tell(order, caller)
        return {**order, "reserved": reserved}

    async def _tell(self, order: dict[str, Any], caller: VerifiedCaller) -> None:
        """Say on the bus, as ourselves, that there is an order."""
        hop = caller.trace.child()
        why = "orders.placed is within orders.>, where the bus lets orders send and nothing else"
        self.journal.record(
            Decision(
                action="bus.send",
                allowed=True,
                reason="bus.sent",
                trace=hop,
                subject="orders",
                checks=(Check("own identity", True, "our own token, not the person's"), Check("subject", True, why)),
                facts={"subject": "orders.placed", "order": order["id"]},
            )
        )
        await self.bus.publish("orders.placed", msgspec.json.encode(order), trace=hop)

    async def reserve(self, wanted: NewOrder, caller: VerifiedCaller) -> Any:
        """Ask inventory, with a token for inventory alone that still says who ordered."""
        audience = self.surroundings.audience("inventory")
        token = await self.exchange.exchange(
            caller.token, audience=audience, scopes=["inventory:reserve"], trace=caller.trace
        )
        answer = await self.http.post(
            f"{self.surroundings.url('inventory')}/reservations",
            content=msgspec.json.encode(wanted),
            headers={"Authorization": f"Bearer {token.reveal()}", "traceparent": caller.trace.traceparent()},
        )
        if answer.status_code != httpx2.codes.OK:
            raise HTTPException(answer.status_code, answer.json().get("detail", "inventory refused"))
        return answer.json()

    async def require_viewer(self, order_id: str, caller: VerifiedCaller) -> list[str]:
        """Return the path that lets this person see this order, or answer 403 with why nothing does."""
        # What the token says of the person counts for this question and is stored nowhere.
        membership = [f"{SUPPORT}#member@user:{caller.subject}"] if "support" in caller.roles else []
        decision = await self.engine.explain(f"user:{caller.subject}", "viewer", f"order:{order_id}", tuples=membership)
        self.journal.record(_decided(decision, order_id, caller))
        if isinstance(decision, authz.Denied):
            raise HTTPException(403, {"error": "access_denied", "explanation": decision.detail})
        return [str(step).strip() for step in decision.path]


def _decided(decision: authz.AuthorizationDecision, order_id: str, caller: VerifiedCaller) -> Decision:
    allowed = isinstance(decision, authz.Allowed)
    why = [str(step).strip() for step in decision.path] if isinstance(decision, authz.Allowed) else [decision.detail]
    return Decision(
        action="authz.check",
        allowed=allowed,
        reason="authz.allowed" if isinstance(decision, authz.Allowed) else decision.reason,
        trace=caller.trace.child(),
        subject=caller.subject,
        client_id=caller.client_id,
        checks=tuple(Check("viewer", allowed, step) for step in why),
        facts={"object": f"order:{order_id}", "relation": "viewer"},
    )


def create_application(surroundings: Surroundings) -> FastAPI:
    """Return the orders application."""
    orders = Orders(surroundings)
    protect = Protect(issuer=surroundings.issuer, audience=surroundings.audience("orders"), journal=orders.journal)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await orders.start()
        yield
        await orders.stop()

    application = FastAPI(title="orders", openapi_url=None, lifespan=lifespan)

    @application.post("/orders", status_code=201)
    async def place(
        request: Request, caller: Annotated[VerifiedCaller, Depends(protect("orders:write"))]
    ) -> dict[str, Any]:
        wanted = read_body(await request.body(), NewOrder)
        if wanted.product not in PRICES or not 1 <= wanted.quantity <= 10:
            raise HTTPException(422, "order between 1 and 10 pieces of something the shop sells")
        return await orders.place(wanted, caller)

    @application.get("/orders")
    async def mine(caller: Annotated[VerifiedCaller, Depends(protect("orders:read"))]) -> dict[str, Any]:
        return {"orders": orders.ledger.orders_of(caller.subject)}

    @application.get("/orders/{order_id}")
    async def one(order_id: str, caller: Annotated[VerifiedCaller, Depends(protect("orders:read"))]) -> dict[str, Any]:
        because = await orders.require_viewer(order_id, caller)
        order = orders.ledger.order(order_id)
        if order is None:
            raise HTTPException(404, "no such order")
        return {**order, "because": because}

    return application
