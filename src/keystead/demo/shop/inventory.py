"""inventory: what is in stock. Called by orders only, on behalf of the person who orders.

Shows: a service at the end of a chain. The token is meant for inventory alone, its subject is still the person, and
`act` names everybody in between.
"""

from typing import Annotated, TypeVar

import msgspec
from fastapi import Depends, FastAPI, HTTPException, Request

from keystead.demo.shop.ledger import PRICES, Ledger
from keystead.demo.shop.surroundings import Surroundings
from keystead.sdk import VerifiedCaller
from keystead.sdk.fastapi import Protect

Shape = TypeVar("Shape")


class Reservation(msgspec.Struct):
    """What orders asks for."""

    product: str
    quantity: int


def create_application(surroundings: Surroundings) -> FastAPI:
    """Return inventory's application."""
    protect = Protect(
        issuer=surroundings.issuer,
        audience=surroundings.audience("inventory"),
        journal=surroundings.journal("inventory"),
    )
    ledger = Ledger(surroundings.directory, "inventory")
    application = FastAPI(title="inventory", openapi_url=None)

    @application.post("/reservations")
    async def reserve(
        request: Request, caller: Annotated[VerifiedCaller, Depends(protect("inventory:reserve"))]
    ) -> dict[str, object]:
        wanted = read_body(await request.body(), Reservation)
        if wanted.product not in PRICES or not 1 <= wanted.quantity <= 10:
            raise HTTPException(422, "order between 1 and 10 pieces of something the shop sells")
        remaining = ledger.reserve(wanted.product, wanted.quantity)
        if remaining is None:
            raise HTTPException(409, "not enough in stock; try fewer or another product")
        return {"product": wanted.product, "remaining": remaining, "for": caller.subject, "through": caller.actors}

    return application


def read_body(body: bytes, shape: type[Shape]) -> Shape:
    """Decode a JSON body, or answer 422 with what is wrong."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise HTTPException(422, str(error)) from error
