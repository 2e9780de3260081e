"""How the agent buys a workload's own token at the issuer: client credentials, with the assertion as the proof.

Flow: the token endpoint is found through discovery, once; then one POST per token.
Spec: RFC 6749 section 4.4, RFC 7521 section 4.2, RFC 8707 section 2, RFC 8414 section 3.3.
Does not: follow redirects, use proxies from the environment, or retry with the same assertion.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import aiohttp
import msgspec

from keystead.core.strict_json import NotStrictJson, parse_object
from keystead.core.trace import TraceContext
from keystead.core.values import Secret
from keystead.workload.assertions import ASSERTION_TYPE

_DISCOVERY: Final = "/.well-known/openid-configuration"
_MAXIMUM_REPLY: Final = 65_536
_TIMEOUT: Final = aiohttp.ClientTimeout(total=5, connect=2)


class Bought(msgspec.Struct, frozen=True):
    """A token the issuer gave."""

    access_token: Secret
    expires_in: int


class Refused(msgspec.Struct, frozen=True):
    """The issuer said no: its `error` code and what it tells the caller."""

    error: str
    description: str


class Unreachable(msgspec.Struct, frozen=True):
    """The issuer gave no usable answer. `detail` is for the log."""

    detail: str


class Issuer(Protocol):
    """Where tokens come from."""

    async def buy(
        self, assertion: str, resource: str, scope: str, trace: TraceContext
    ) -> Bought | Refused | Unreachable:
        """Ask for one token, once, with an assertion nobody used yet."""
        ...


class HttpIssuer:
    """The issuer over HTTP."""

    def __init__(self, issuer: str, session: aiohttp.ClientSession) -> None:
        self._issuer = issuer
        self._session = session
        self._token_endpoint = ""

    async def buy(
        self, assertion: str, resource: str, scope: str, trace: TraceContext
    ) -> Bought | Refused | Unreachable:
        """Ask for one token."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "resource": resource,
        }
        if scope:
            form["scope"] = scope
        try:
            if not self._token_endpoint:
                self._token_endpoint = await self._discover()
            headers = {"traceparent": trace.traceparent()}
            status, document = await self._fetch("POST", self._token_endpoint, data=form, headers=headers)
        except (aiohttp.ClientError, TimeoutError, OSError, NotStrictJson, ValueError) as error:
            return Unreachable(f"{type(error).__name__}: {error}")
        return _read_reply(status, document)

    async def _discover(self) -> str:
        status, document = await self._fetch("GET", self._issuer + _DISCOVERY)
        endpoint = document.get("token_endpoint")
        if status != 200 or document.get("issuer") != self._issuer or not isinstance(endpoint, str):
            raise ValueError(f"discovery at {self._issuer} answered {status} and does not name exactly this issuer")
        return endpoint

    async def _fetch(self, method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:
        async with self._session.request(method, url, allow_redirects=False, timeout=_TIMEOUT, **options) as reply:
            body = await reply.content.read(_MAXIMUM_REPLY + 1)
            while len(body) <= _MAXIMUM_REPLY and (more := await reply.content.read(_MAXIMUM_REPLY + 1 - len(body))):
                body += more
            return reply.status, parse_object(body, maximum_bytes=_MAXIMUM_REPLY)


def _read_reply(status: int, document: dict[str, Any]) -> Bought | Refused | Unreachable:
    token, lifetime = document.get("access_token"), document.get("expires_in")
    if status == 200 and isinstance(token, str) and token and type(lifetime) is int and lifetime > 0:
        return Bought(Secret(token), lifetime)
    error, description = document.get("error"), document.get("error_description", "")
    if 400 <= status < 500 and isinstance(error, str):
        return Refused(error, str(description))
    return Unreachable(f"the token endpoint answered {status}")


def open_session() -> aiohttp.ClientSession:
    """Return an HTTP session for the issuer alone: no cookies, no proxies or credentials from the environment."""
    return aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
