"""A service's own identity, from the agent on its node: no secret in the service, none in its configuration.

    agent = AgentClient()                                    # $KEYSTEAD_AGENT, or /run/keystead/agent.sock
    token = await agent.token("https://bus.acme.example")    # a token of this very process, for that audience alone

Flow: the agent sees who is at the other end of its socket, and answers with a token of that workload.
Does not: say who we are. Whatever this process claimed would prove nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from keystead.core.trace import TraceContext
from keystead.core.values import Secret
from keystead.sdk.errors import AgentUnavailable, TokenRefused
from keystead.sdk.http_channel import ChannelError, HttpChannel, JsonReply, get_now
from keystead.sdk.kept_tokens import KeptTokens, ObtainedToken, obtained

DEFAULT_SOCKET: Final = "/run/keystead/agent.sock"
_HOST: Final = "http://localhost"
_PATH: Final = "/identity/"
_TIMEOUT: Final = 15.0
_OK: Final = 200
_SERVER_ERRORS: Final = 500


class AgentClient:
    """Asks the agent, for code with an event loop. `socket` is the path of the agent's unix socket."""

    def __init__(self, socket: str | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._socket = agent_socket(socket)
        self._clock = clock
        self._channel = HttpChannel(socket=self._socket, timeout=_TIMEOUT)
        self._tokens = KeptTokens((AgentUnavailable,), clock)

    async def token(self, resource: str, scope: str = "", *, trace: TraceContext | None = None) -> Secret:
        """Return a token of our own for one resource (audience), kept until 80 % of its life has passed.

        Raises: AgentUnavailable, TokenRefused.
        """
        return (await self.obtain(resource, scope, trace=trace)).token

    async def obtain(self, resource: str, scope: str = "", *, trace: TraceContext | None = None) -> ObtainedToken:
        """Return a token with its expiry, for whoever must renew a connection before it ends. Raises: as `token`."""
        key = (resource, *sorted(scope.split()))
        return await self._tokens.get(key, lambda: self._ask(resource, scope, trace))

    async def assertion(self, issuer: str, *, trace: TraceContext | None = None) -> Secret:
        """Return a fresh assertion that proves this workload to the issuer, good for one use within a minute.

        Raises: AgentUnavailable, TokenRefused.
        """
        return (await self._ask(issuer, "", trace)).token

    async def workload(self) -> str:
        """Return which workload the agent takes us for. Raises: AgentUnavailable, TokenRefused."""
        return _workload(await self._get("whoami", None))

    async def close(self) -> None:
        """Let go of open connections."""
        await self._channel.close()

    async def _ask(self, resource: str, scope: str, trace: TraceContext | None) -> ObtainedToken:
        asked_at = self._clock()
        return _token(await self._get(_query(resource, scope), trace), asked_at)

    async def _get(self, path: str, trace: TraceContext | None) -> JsonReply:
        try:
            return await self._channel.get(_HOST + _PATH + path, _headers(trace))
        except ChannelError as error:
            raise AgentUnavailable(f"no answer from the agent at {self._socket}: {error}") from error


class SyncAgentClient:
    """Asks the agent, for code without an event loop. Keeps tokens as `AgentClient` does."""

    def __init__(self, socket: str | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._socket = agent_socket(socket)
        self._clock = clock
        self._tokens = KeptTokens((AgentUnavailable,), clock)

    def token(self, resource: str, scope: str = "", *, trace: TraceContext | None = None) -> Secret:
        """Return a token of our own for one resource. Raises: AgentUnavailable, TokenRefused."""
        key = (resource, *sorted(scope.split()))
        known = self._tokens.kept(key)
        if known is None:
            known = self._ask(resource, scope, trace)
            self._tokens.keep(key, known)
        return known.token

    def assertion(self, issuer: str, *, trace: TraceContext | None = None) -> Secret:
        """Return a fresh assertion that proves this workload to the issuer. Raises: as `token`."""
        return self._ask(issuer, "", trace).token

    def _ask(self, resource: str, scope: str, trace: TraceContext | None) -> ObtainedToken:
        asked_at = self._clock()
        path = _PATH + _query(resource, scope)
        try:
            return _token(get_now(path, socket=self._socket, headers=_headers(trace), timeout=_TIMEOUT), asked_at)
        except ChannelError as error:
            raise AgentUnavailable(f"no answer from the agent at {self._socket}: {error}") from error


def agent_socket(socket: str | None) -> str:
    """Return the path of the agent's socket: the one given, the one of `$KEYSTEAD_AGENT`, or the usual one."""
    return socket or os.environ.get("KEYSTEAD_AGENT") or DEFAULT_SOCKET


def _query(resource: str, scope: str) -> str:
    return "token?" + urlencode({"resource": resource, **({"scope": scope} if scope else {})})


def _headers(trace: TraceContext | None) -> dict[str, str]:
    headers = {"keystead-metadata": "true"}
    if trace is not None:
        headers["traceparent"] = trace.traceparent()
    return headers


def _token(reply: JsonReply, asked_at: float) -> ObtainedToken:
    _require_success(reply)
    token, lifetime = reply.document.get("access_token"), reply.document.get("expires_in")
    if not isinstance(token, str) or not token or type(lifetime) is not int or lifetime <= 0:
        raise AgentUnavailable("the agent answered without a token and its lifetime")
    return obtained(token, lifetime, str(reply.document.get("scope", "")), asked_at)


def _workload(reply: JsonReply) -> str:
    _require_success(reply)
    workload: Any = reply.document.get("workload")
    if not isinstance(workload, str):
        raise AgentUnavailable("the agent did not say which workload this is")
    return workload


def _require_success(reply: JsonReply) -> None:
    if reply.status == _OK:
        return
    error, description = (str(reply.document.get(name, "")) for name in ("error", "error_description"))
    if reply.status >= _SERVER_ERRORS:
        raise AgentUnavailable(f"the agent answered {reply.status} {error}: {description}")
    raise TokenRefused(error, description)
