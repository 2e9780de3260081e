"""Buy tokens with a session that is there."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import httpx2

from benchmarks.conversations import CHALLENGE, REDIRECT_URI, VERIFIER


def buy_tokens(
    port: int, paths: Mapping[str, str], secret: str, cookies: str, *, client: str = "bench", scope: str = "openid"
) -> dict[str, str]:
    """Ask for a code, redeem it, return the tokens."""
    base = f"http://127.0.0.1:{port}"
    query = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": REDIRECT_URI,
        "scope": scope,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    answer = httpx2.get(base + paths["sso"], params=query, headers={"Cookie": cookies}, follow_redirects=False)
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "redirect_uri": REDIRECT_URI}
    answer = httpx2.post(base + paths["refresh"], data={**form, "client_id": client, "client_secret": secret})
    bought: dict[str, str] = answer.json()
    return bought
