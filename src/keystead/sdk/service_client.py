"""Calls to ONE other service: the right token and the trace go with each, and neither ever goes anywhere else.

    inventory = ServiceClient("http://127.0.0.1:8103", "https://inventory.acme.example", exchange=exchange)
    reply = await inventory.request("POST", "/reservations", caller=caller, scopes="inventory:reserve", json={...})

Does not: follow redirects (a redirect would carry the token along), use proxies from the environment, keep cookies,
or take absolute URLs.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Collection, Generator
from typing import Any, Final

import httpx2

from keystead.core.errors import ConfigurationError
from keystead.core.trace import TraceContext, new_trace
from keystead.core.values import Secret
from keystead.sdk.addresses import require_safe_url
from keystead.sdk.agent import AgentClient
from keystead.sdk.caller import VerifiedCaller
from keystead.sdk.demand import texts
from keystead.sdk.dpop import DpopKey, Nonces
from keystead.sdk.dpop_client import DpopAuth
from keystead.sdk.exchange import TokenExchange
from keystead.sdk.http_channel import no_cookies, tls_for

_TIMEOUT: Final = 5.0


class BearerForOne(httpx2.Auth):
    """Adds a bearer token and the trace to requests to one origin, and refuses to send any other."""

    def __init__(self, origin: httpx2.URL, token: Secret, trace: TraceContext) -> None:
        self._origin = _origin(origin)
        self._token = token
        self._trace = trace

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Add the headers. Raises: ConfigurationError when the request goes to another origin."""
        if _origin(request.url) != self._origin:
            raise ConfigurationError("this token is for another service; it was not sent")
        request.headers["authorization"] = f"Bearer {self._token.reveal()}"
        request.headers["traceparent"] = self._trace.traceparent()
        yield request


class ProvedForOne(DpopAuth):
    """Adds a token bound to our key, a proof for the request, and the trace; follows nonces."""

    def __init__(self, client: ServiceClient, key: DpopKey, token: Secret, trace: TraceContext) -> None:
        super().__init__(
            str(client.base), key, token, nonces=client.nonces, danger_allow_plain_http=client.danger_allow_plain_http
        )
        self._trace = trace

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Add the headers. Raises: ConfigurationError when the request goes to another origin."""
        request.headers["traceparent"] = self._trace.traceparent()
        yield from super().auth_flow(request)


class ServiceClient:
    """A client of one service. `base_url` is where it listens, `audience` what its tokens name.

    With a `caller`, the call is made on the caller's behalf (needs `exchange`); without, as ourselves (needs `agent`).
    Where the exchange has a DPoP key, calls on behalf of somebody carry proofs.
    """

    def __init__(
        self,
        base_url: str,
        audience: str,
        *,
        exchange: TokenExchange | None = None,
        agent: AgentClient | None = None,
        tls: ssl.SSLContext | None = None,
        danger_allow_plain_http: bool = False,
    ) -> None:
        require_safe_url(base_url, "base_url", danger_allow_plain_http=danger_allow_plain_http)
        self.base = httpx2.URL(base_url.rstrip("/"))
        self.nonces = Nonces()
        self.danger_allow_plain_http = danger_allow_plain_http
        self._audience = audience
        self._exchange = exchange
        self._agent = agent
        self._client = httpx2.AsyncClient(
            verify=tls or tls_for(base_url),
            follow_redirects=False,
            trust_env=False,
            timeout=_TIMEOUT,
            cookies=no_cookies(),
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        caller: VerifiedCaller | None = None,
        scopes: str | Collection[str] = (),
        **options: Any,
    ) -> httpx2.Response:
        """Send one request. `path` begins with a slash; `options` are those of `httpx2.AsyncClient.request`.

        Raises: TokenRefused, IssuerUnavailable, AgentUnavailable, httpx2.HTTPError.
        """
        if not path.startswith("/") or path.startswith("//") or "\\" in path:
            raise ConfigurationError("path begins with one slash; absolute URLs are not taken")
        trace = caller.trace if caller is not None else new_trace()
        auth = self._auth(caller, await self._token(caller, scopes, trace), trace)
        url = httpx2.URL(f"{self.base}{path}")
        return await self._client.request(method, url, auth=auth, follow_redirects=False, **options)

    async def close(self) -> None:
        """Let go of open connections."""
        await self._client.aclose()

    def _auth(self, caller: VerifiedCaller | None, token: Secret, trace: TraceContext) -> httpx2.Auth:
        """Return what shows the token: with a proof where the exchange bound it to a key, else as it is."""
        key = self._exchange.dpop if self._exchange is not None and caller is not None else None
        return BearerForOne(self.base, token, trace) if key is None else ProvedForOne(self, key, token, trace)

    async def _token(self, caller: VerifiedCaller | None, scopes: str | Collection[str], trace: TraceContext) -> Secret:
        if caller is not None and self._exchange is not None:
            return await self._exchange.exchange(caller.token, self._audience, scopes, trace=trace)
        if caller is None and self._agent is not None:
            return await self._agent.token(self._audience, " ".join(texts(scopes)), trace=trace)
        raise ConfigurationError("calls on behalf of a caller need `exchange`, calls as ourselves need `agent`")


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
