"""catalog: what the shop sells, for whoever may read it. Also serves the shop's page.

Shows: three lines that protect a service (`Protect`, `Depends`, the scope it needs).
"""

from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse, Response

from keystead.demo.shop.surroundings import Surroundings
from keystead.sdk import VerifiedCaller
from keystead.sdk.fastapi import Protect

WEB = Path(__file__).parent / "web"
PAGE_FILES = {"shop.js": "text/javascript", "shop.css": "text/css", "favicon.svg": "image/svg+xml"}
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PRODUCTS = (
    {"id": "lantern", "name": "Storm lantern", "price": 4900, "note": "Burns through any weather.", "hue": 38},
    {"id": "kettle", "name": "Ember kettle", "price": 6200, "note": "Boils on four twigs.", "hue": 12},
    {"id": "compass", "name": "Brass compass", "price": 3800, "note": "Points north, mostly.", "hue": 46},
    {"id": "tent", "name": "Two-star tent", "price": 18900, "note": "Five stars above it.", "hue": 158},
    {"id": "axe", "name": "Camp axe", "price": 7400, "note": "Keeps its edge and yours.", "hue": 206},
    {"id": "blanket", "name": "Wool blanket", "price": 8800, "note": "Itches only the first night.", "hue": 286},
)


def create_application(surroundings: Surroundings) -> FastAPI:
    """Return the catalog's application."""
    protect = Protect(
        issuer=surroundings.issuer, audience=surroundings.audience("catalog"), journal=surroundings.journal("catalog")
    )
    application = FastAPI(title="catalog", openapi_url=None)

    @application.get("/products")
    async def products(
        caller: Annotated[VerifiedCaller, Depends(protect("catalog:read"))],
    ) -> dict[str, object]:
        return {"products": PRODUCTS, "seen_by": caller.subject}

    @application.get("/")
    async def page() -> FileResponse:
        return _page_file("index.html", "text/html; charset=utf-8")

    @application.get("/assets/settings.json")
    async def settings() -> dict[str, str]:
        return {"xray": surroundings.xray}

    @application.get("/assets/{name}")
    async def asset(name: str) -> Response:
        if name not in PAGE_FILES:
            return Response(status_code=404)
        return _page_file(name, PAGE_FILES[name])

    return application


def _page_file(name: str, media_type: str) -> FileResponse:
    headers = {"content-security-policy": CONTENT_SECURITY_POLICY, "cache-control": "no-cache"}
    return FileResponse(WEB / name, media_type=media_type, headers=headers)
