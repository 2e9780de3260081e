"""What every foreign client needs: a person at a browser, and a key of its own."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from keystead.core.jose import base64url
from tests.harness.person import Person

BUTTONS = ("login-submit", "device-submit", "device-continue", "consent-allow", "logout-yes")


async def visit(person: Person, url: str) -> str:
    """Do whatever the pages ask, and return where the browser was sent away to; the last page when it was not."""
    page = await person.browser.get(url)
    for _ in range(8):
        button = next((id for id in BUTTONS if page.has(id)), "")
        if not button:
            break
        if button == "login-submit":
            page = await person.sign_in(page)
        else:
            page = await person.browser.press(page, button)
    assert page.status in (200, 302, 303), (page.status, page.alert or page.text)
    return page.location or page.url


def signing_key(kid: str = "of-the-client") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a fresh ES256 key as a private and a public JWK."""
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.private_numbers()
    octets = {
        "x": numbers.public_numbers.x,
        "y": numbers.public_numbers.y,
        "d": numbers.private_value,
    }
    texts = {name: base64url.encode(number.to_bytes(32, "big")).decode() for name, number in octets.items()}
    public = {"kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "use": "sig", "x": texts["x"], "y": texts["y"]}
    private = {name: value for name, value in public.items() if name not in ("use", "alg")}
    return {**private, "d": texts["d"]}, public
