"""A client of OpenFGA's HTTP API, as far as reading needs it; it tries again when it is told to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx2

from keystead.core.errors import KeysteadError

_PAGE: Final = 100
_TRIES: Final = 5
_LONGEST_WAIT: Final = 30.0
_TOKENS: Final = (
    "Show it a token with scope authz:read: $KEYSTEAD_AUTHZ_TOKEN, --token-file, --agent, or --issuer and --client-id"
)
_WAITED_FOR: Final = frozenset({429, 500, 502, 503, 504})

Json = dict[str, Any]


class ServerRefused(KeysteadError):
    """The server said no, or nothing that can be understood."""


class AuthorizationServer:
    """One server. `base` is where `/stores` is: `https://id.example/authz`, or an OpenFGA server's origin."""

    def __init__(self, base: str, token: str = "", *, timeout: float = 30.0) -> None:
        self.base = base.rstrip("/")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx2.AsyncClient(headers=headers, timeout=timeout, trust_env=False)

    async def stores(self) -> AsyncIterator[Json]:
        """Yield every store."""
        async for store in self._pages("/stores", "stores"):
            yield store

    async def store(self, id: str) -> Json:
        """Return one store. Raises: ServerRefused."""
        return await self._get(f"/stores/{quote(id, safe='')}")

    async def models(self, store: str) -> AsyncIterator[Json]:
        """Yield a store's models, the newest first."""
        async for model in self._pages(f"/stores/{quote(store, safe='')}/authorization-models", "authorization_models"):
            yield model

    async def model(self, store: str, id: str = "") -> Json:
        """Return a model, the newest when none is named. Raises: ServerRefused."""
        path = f"/stores/{quote(store, safe='')}/authorization-models"
        if id:
            found: Json = (await self._get(f"{path}/{quote(id, safe='')}"))["authorization_model"]
            return found
        models: list[Json] = (await self._get(path, page_size="1")).get("authorization_models") or []
        if not models:
            raise ServerRefused(f"store {store} has no model yet")
        return models[0]

    async def assertions(self, store: str, model: str) -> list[Json]:
        """Return what a model is held to."""
        answer = await self._get(f"/stores/{quote(store, safe='')}/assertions/{quote(model, safe='')}")
        return answer.get("assertions") or []

    async def read(self, store: str, after: str = "", object: str = "") -> tuple[list[Json], str]:
        """Return a page of tuples, those of one object or all, and where the next begins; empty: this was the last."""
        asked: Json = {"page_size": _PAGE}
        if object:
            asked["tuple_key"] = {"object": object}
        if after:
            asked["continuation_token"] = after
        answer = await self._send("POST", f"/stores/{quote(store, safe='')}/read", asked)
        return answer.get("tuples") or [], _following(answer, after)

    async def changes(self, store: str, after: str = "", start_time: str = "") -> tuple[list[Json], str]:
        """Return a page of changes, oldest first, and the token to go on with; there always is one to keep."""
        asked = {"page_size": str(_PAGE)}
        asked |= {"continuation_token": after} if after else {"start_time": start_time} if start_time else {}
        answer = await self._get(f"/stores/{quote(store, safe='')}/changes", **asked)
        return answer.get("changes") or [], answer.get("continuation_token") or after

    async def close(self) -> None:
        """Let go of open connections."""
        await self._client.aclose()

    async def _pages(self, path: str, name: str) -> AsyncIterator[Json]:
        after = ""
        while True:
            asked = {"page_size": "50", **({"continuation_token": after} if after else {})}
            answer = await self._get(path, **asked)
            for each in answer.get(name) or []:
                yield each
            after = _following(answer, after)
            if not after:
                return

    async def _get(self, path: str, **query: str) -> Json:
        return await self._send("GET", f"{path}?{urlencode(query)}" if query else path)

    async def _send(self, method: str, path: str, body: Json | None = None) -> Json:
        for attempt in range(_TRIES):
            try:
                reply = await self._client.request(method, self.base + path, json=body)
            except httpx2.HTTPError as error:
                if attempt == _TRIES - 1:
                    raise ServerRefused(f"no answer from {self.base}: {str(error) or type(error).__name__}") from error
                await asyncio.sleep(_wait(attempt))
                continue
            if reply.status_code in _WAITED_FOR and attempt < _TRIES - 1:
                await asyncio.sleep(_wait(attempt, reply.headers.get("retry-after", "")))
                continue
            return _understood(reply, f"{method} {self.base}{path.partition('?')[0]}")
        raise ServerRefused(f"{self.base} asked to wait {_TRIES} times")


def _following(answer: Json, after: str) -> str:
    """Return where the next page begins; empty: there is none. Raises: ServerRefused for a page that never ends."""
    following: str = answer.get("continuation_token") or ""
    if following and following == after:
        raise ServerRefused("the server names the page it gave as the next one, which would never end")
    return following


def _wait(attempt: int, told: str = "") -> float:
    return min(_LONGEST_WAIT, float(told) if told.isdecimal() else 0.5 * 2**attempt)


def _understood(reply: httpx2.Response, what: str) -> Json:
    try:
        answer = reply.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ServerRefused(f"{what}: {reply.status_code}, and no JSON object: is this the address of its HTTP API?")
    if reply.status_code in (401, 403):
        why = answer.get("message") or answer.get("error_description") or "it wants a token"
        raise ServerRefused(f"{what}: {reply.status_code}: {why}. {_TOKENS}")
    if reply.status_code == 404 and "code" not in answer:
        raise ServerRefused(f"{what}: 404: no OpenFGA API is there; a Keystead server has it under BASE_URL/authz")
    if reply.status_code >= 400:
        raise ServerRefused(f"{what}: {reply.status_code}: {answer.get('code', '')}: {answer.get('message', '')}")
    return answer
