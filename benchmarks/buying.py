"""Buy a refresh token with a session that is there."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import httpx2

from benchmarks.conversations import CHALLENGE, REDIRECT_URI, VERIFIER


def buy_refresh_token(port: int, paths: Mapping[str, str], secret: str, cookies: str) -> str:
    """Ask for a code, redeem it, return the refresh token."""
    base = f"http://127.0.0.1:{port}"
    query = {
        "response_type": "code",
        "client_id": "bench",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    answer = httpx2.get(base + paths["sso"], params=query, headers={"Cookie": cookies}, follow_redirects=False)
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "redirect_uri": REDIRECT_URI}
    answer = httpx2.post(base + paths["refresh"], data={**form, "client_id": "bench", "client_secret": secret})
    return str(answer.json()["refresh_token"])
