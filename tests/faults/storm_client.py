"""The clients in the storm: honest ones that keep what they are given, greedy ones that ask twice at once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from keystead.demo.check.person import Person
from tests.faults.issuer_process import CLIENT, EXCHANGE, PASSWORD, REDIRECT_URI, SECRET

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
OK = 200
SERVER_ERROR = 500


@dataclass
class Tally:
    """What happened, and what must not have."""

    kills: int = 0
    codes: int = 0
    code_races: int = 0
    doubly_redeemed: int = 0
    refreshes: int = 0
    refresh_races: int = 0
    forked: int = 0
    exchanges: int = 0
    revoked: list[str] = field(default_factory=list)
    undone: int = 0
    sessions_lost: int = 0
    ambiguous: int = 0
    unexpected: list[str] = field(default_factory=list)
    ready_milliseconds: list[float] = field(default_factory=list)

    def passed(self) -> bool:
        """Whether nothing happened that must not."""
        return not (self.doubly_redeemed or self.forked or self.undone or self.sessions_lost or self.unexpected)

    def __str__(self) -> str:
        ready = sorted(self.ready_milliseconds) or [0.0]
        return (
            f"{self.kills} kills; ready after {ready[len(ready) // 2]:.0f} ms (median), {ready[-1]:.0f} ms (worst)\n"
            f"{self.codes} codes, {self.code_races} raced, {self.doubly_redeemed} redeemed twice\n"
            f"{self.refreshes} refreshes, {self.refresh_races} raced, {self.forked} families with two live members\n"
            f"{self.exchanges} exchanges; {len(self.revoked)} acknowledged revocations, {self.undone} undone\n"
            f"{self.sessions_lost} live sessions lost, {self.ambiguous} requests unanswered\n"
            f"unexpected: {self.unexpected[:5]}"
        )


class Storm:
    """All clients. Each keeps its promises and expects the issuer to keep its own."""

    def __init__(self, issuer: str, tally: Tally, seed: int, doors: Sequence[str] = ()) -> None:
        self.issuer = issuer
        self._doors = [f"{door}/realms/storm" for door in doors] or [issuer]
        self.tally = tally
        self.random = random.Random(seed)
        self.stopping = False
        self.http = httpx2.AsyncClient(timeout=10.0, limits=httpx2.Limits(max_connections=64))
        self.live: dict[int, str] = {}

    def calm(self) -> bool:
        """Whether to go on."""
        return not self.stopping

    def door(self) -> str:
        """Return one of the nodes of the issuer."""
        return self.random.choice(self._doors)

    async def post(self, endpoint: str, **form: str) -> httpx2.Response | None:
        """Ask the issuer. None: it died before it answered, so nobody knows."""
        try:
            return await self.http.post(f"{self.door()}/{endpoint}", data=form, auth=(CLIENT, SECRET))
        except httpx2.TransportError:
            self.tally.ambiguous += 1
            return None

    async def insist(self, endpoint: str, **form: str) -> httpx2.Response:
        """Ask until there is an answer."""
        while True:
            answer = await self.post(endpoint, **form)
            if answer is not None and answer.status_code < SERVER_ERROR:
                return answer
            await asyncio.sleep(0.03)

    async def active(self, token: str) -> bool:
        """Whether introspection says that a refresh token is live."""
        answer = await self.insist("introspect", token=token, token_type_hint="refresh_token")
        return bool(answer.json().get("active"))

    async def live_through(self, number: int, cookies: str) -> None:
        """One client's life: buy, race, refresh, exchange, revoke, again."""
        while self.calm():
            bought = await self._code(cookies)
            tokens = await self._redeem(*bought) if bought else None
            if tokens is None:
                await asyncio.sleep(0.01)
                continue
            self.live[number] = tokens["refresh_token"]
            for _ in range(self.random.randint(1, 6)):
                if not self.calm() or not await self._refresh(number):
                    break
                await self._exchange(tokens["access_token"])
            if self.calm() and self.random.random() < 0.5 and number in self.live:
                await self._revoke(number)

    async def _code(self, cookies: str) -> tuple[str, str] | None:
        verifier = secrets.token_urlsafe(48)
        query = {**authorization_request(verifier), "scope": "openid api:read api:write"}
        url = f"{self.door()}/authorize"
        try:
            answer = await self.http.get(url, params=query, headers={"Cookie": cookies}, follow_redirects=False)
        except httpx2.TransportError:
            return None
        found = parse_qs(urlsplit(answer.headers.get("location", "")).query).get("code")
        if found:
            return found[0], verifier
        if answer.status_code < SERVER_ERROR:
            self.tally.unexpected.append(f"authorize: {answer.status_code} {answer.text[:200]}")
        return None

    async def _redeem(self, code: str, verifier: str) -> dict[str, Any] | None:
        form = {"code": code, "code_verifier": verifier, "redirect_uri": REDIRECT_URI}
        racing = self.random.random() < 0.3
        self.tally.codes += 1
        self.tally.code_races += racing
        requests = (self.post("token", grant_type="authorization_code", **form) for _ in range(1 + racing))
        answers = await asyncio.gather(*requests)
        won = [answer.json() for answer in answers if answer is not None and answer.status_code == OK]
        self.tally.doubly_redeemed += len(won) > 1
        # A second redemption revokes what the first bought, as it must: such a family is not to be lived with.
        return dict(won[0]) if won and not racing else None

    async def _refresh(self, number: int) -> bool:
        """Refresh, perhaps twice at once. What nobody answered is retried: the session must live on."""
        offered = self.live[number]
        racing = self.random.random() < 0.3
        self.tally.refreshes += 1
        self.tally.refresh_races += racing
        requests = (self.post("token", grant_type="refresh_token", refresh_token=offered) for _ in range(1 + racing))
        answers = await asyncio.gather(*requests)
        given = [
            answer.json()["refresh_token"] for answer in answers if answer is not None and answer.status_code == OK
        ]
        alive = [token for token in {offered, *given} if await self.active(token)]
        self.tally.forked += len(alive) > 1
        if alive and alive[0] != offered:
            self.live[number] = alive[0]
            return True
        # Nobody answered, or an unanswered twin replaced the successor we hold: the predecessor may be retried.
        answer = await self.insist("token", grant_type="refresh_token", refresh_token=offered)
        if answer.status_code != OK:
            self.tally.sessions_lost += 1
            self.live.pop(number)
            return False
        self.live[number] = answer.json()["refresh_token"]
        return True

    async def _exchange(self, token: str) -> None:
        form = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, "audience": "https://api.storm.example"}
        answer = await self.post("token", grant_type=EXCHANGE, scope="api:read", **form)
        self.tally.exchanges += answer is not None and answer.status_code == OK

    async def _revoke(self, number: int) -> None:
        token = self.live.pop(number)
        answer = await self.post("revoke", token=token, token_type_hint="refresh_token")
        if answer is not None and answer.status_code == OK:
            self.tally.revoked.append(token)


def authorization_request(verifier: str) -> dict[str, str]:
    """Return the parameters of an authorization request with this verifier's challenge."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }


def sign_in(issuer: str, number: int) -> str:
    """Sign one person in through the pages and return the cookies of the session."""
    with httpx2.Client(timeout=10.0) as http:
        person = Person(http)
        query = httpx2.QueryParams(authorization_request("v" * 50))
        person.visit(f"{issuer}/authorize?{query}")
        person.submit("login-submit", {"username": f"user{number}", "password": PASSWORD}, until=REDIRECT_URI)
        return "; ".join(f"{name}={value}" for name, value in person.cookies["127.0.0.1"].items())
