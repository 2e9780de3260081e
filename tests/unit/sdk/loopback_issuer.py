"""A real HTTP server on loopback that publishes keys as an issuer does, counts who asks, and can misbehave."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from keystead.core.jose.algorithms import generate
from keystead.core.jose.jws import sign
from keystead.core.jose.keys import PrivateKey

Answer = tuple[int, dict[str, str], bytes]


class LoopbackIssuer:
    """One issuer. `url` is its identifier; `requests` counts paths; `answers` overrides single paths."""

    def __init__(self, port: int, scheme: str = "http") -> None:
        self.origin = f"{scheme}://127.0.0.1:{port}"
        self.url = f"{self.origin}/realms/acme"
        self.keys: list[PrivateKey] = [generate("ES256")]
        self.requests: Counter[str] = Counter()
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: dict[str, Callable[[], Answer]] = {}
        self.delay = 0.0
        self.down = False

    @property
    def jwks_path(self) -> str:
        """The path of the key document."""
        return "/realms/acme/jwks"

    def discovery(self) -> dict[str, Any]:
        """Return the discovery document."""
        return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", "token_endpoint": f"{self.url}/token"}

    def answer(self, path: str) -> Answer:
        """Return the answer to one path."""
        if path in self.answers:
            return self.answers[path]()
        if path == "/realms/acme/.well-known/openid-configuration":
            return json_answer(self.discovery())
        if path == self.jwks_path:
            return json_answer({"keys": [key.public().jwk() for key in self.keys]})
        return 404, {}, b""

    def token(self, audience: str, now: float, key: PrivateKey | None = None, **changes: Any) -> str:
        """Return an access token that is good unless `changes` make it otherwise."""
        claims = {
            "iss": self.url,
            "sub": "usr_alice",
            "aud": audience,
            "client_id": "shop",
            "iat": int(now),
            "exp": int(now) + 60,
            "jti": "j1",
            "scope": "orders:read orders:write",
            **changes,
        }
        return sign(claims, key or self.keys[0], "at+jwt")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            path = lines[0].split(" ")[1]
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:-2])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.requests[path.partition("?")[0]] += 1
            self.received.append((path, headers, body))
            await asyncio.sleep(self.delay)
            if not self.down:
                writer.write(_encode(self.answer(path.partition("?")[0])))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def json_answer(document: object, status: int = 200) -> Answer:
    """Return a JSON answer."""
    return status, {"content-type": "application/json"}, msgspec.json.encode(document)


def _encode(answer: Answer) -> bytes:
    status, headers, body = answer
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "connection: close", "", ""]).encode() + body


@asynccontextmanager
async def loopback_issuer(tls: ssl.SSLContext | None = None) -> AsyncIterator[LoopbackIssuer]:
    """Run an issuer on a free port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        issuer = LoopbackIssuer(listening.getsockname()[1], "http" if tls is None else "https")
        server = await asyncio.start_server(issuer.serve, sock=listening.dup(), ssl=tls)
        try:
            yield issuer
        finally:
            server.close()
            await server.wait_closed()
