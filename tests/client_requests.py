"""Authorization requests as clients bring them: pushed, signed, encrypted."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlencode

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.keys import PrivateKey
from tests.harness.browser import Page
from tests.issuer import SECRET, Answer, Issuer
from tests.shop import good_request

REQUEST_OBJECT = "oauth-authz-req+jwt"


@cache
def client_key(algorithm: str) -> PrivateKey:
    """Return the key of the client, made once."""
    return generate(algorithm, f"client-{algorithm}")


def jwks(*algorithms: str) -> dict[str, Any]:
    """Return the JWK Set that the client registers."""
    return {"keys": [dict(client_key(name).public().jwk()) for name in algorithms or ("ES256",)]}


def request_claims(issuer: Issuer, **changes: Any) -> dict[str, Any]:
    """Return the claims of a good request object, with some changed, or left out by None."""
    usual: dict[str, Any] = {
        "iss": "shop",
        "aud": issuer.url,
        "iat": issuer.now,
        "nbf": issuer.now,
        "exp": issuer.now + 300,
        **good_request(),
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def signed_request(issuer: Issuer, *, key: PrivateKey | None = None, typ: str = REQUEST_OBJECT, **changes: Any) -> str:
    """Return a request object."""
    return jws.sign(request_claims(issuer, **changes), key or client_key("ES256"), typ)


async def push(issuer: Issuer, *, client: str = "shop", headers: Any = (), **changes: str | None) -> Answer:
    """Push a request, authenticated by client_secret_basic."""
    form = good_request(**{"client_id": client, **changes})
    return await issuer.post("par", form, basic=(client, SECRET), headers=headers)


async def push_object(issuer: Issuer, object: str, *, client: str = "shop", **beside: str) -> Answer:
    """Push a request object."""
    return await issuer.post("par", {"client_id": client, "request": object, **beside}, basic=(client, SECRET))


def pushed_url(issuer: Issuer, request_uri: str, client: str = "shop", **beside: str) -> str:
    """Return the URL for the browser."""
    query = urlencode({"client_id": client, "request_uri": request_uri, **beside})
    return f"{issuer.url}/authorize?{query}"


def is_told_here(page: Page) -> bool:
    """Return whether a page tells the error, and nobody is redirected with it."""
    return page.status == 400 and page.location == "" and bool(page.alert)
