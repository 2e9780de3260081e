"""Token for token: a caller's token becomes one for the next service, which still says for whom and through whom.

    exchange = TokenExchange(issuer=ISSUER, agent=AgentClient())
    token = await exchange.exchange(caller.token, "https://inventory.acme.example", ["inventory:reserve"])

Flow: we authenticate as ourselves (an assertion from the agent, or a client secret), show the caller's token, and get
one meant for that audience alone, of the same person, with us as the nearest actor. Kept until 80 % of its life.
Spec: RFC 8693 sections 2.1 and 2.2; RFC 6749 section 2.3.1 (client secret).
Does not: choose the audience. Name the one you are about to call, and send the token nowhere else.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Collection
from typing import Final, Protocol
from urllib.parse import quote_plus

from keystead.core.errors import ConfigurationError
from keystead.core.trace import TraceContext
from keystead.core.values import Secret
from keystead.sdk.demand import texts
from keystead.sdk.dpop import DpopKey, Nonces
from keystead.sdk.errors import AgentUnavailable, IssuerUnavailable, TokenRefused
from keystead.sdk.http_channel import ChannelError, HttpChannel, JsonReply
from keystead.sdk.issuer import Issuer
from keystead.sdk.kept_tokens import KeptTokens, ObtainedToken, obtained

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
WORKLOAD_ASSERTION: Final = "urn:keystead:params:oauth:client-assertion-type:workload"
_TIMEOUT: Final = 5.0
_OK: Final = 200
_SERVER_ERRORS: Final = 500


class Assertions(Protocol):
    """Who proves us to the issuer. `AgentClient` does."""

    async def assertion(self, issuer: str, *, trace: TraceContext | None = None) -> Secret:
        """Return a fresh assertion for the issuer."""
        ...


class TokenExchange:
    """Exchanges tokens at one issuer, as one client: a workload behind an agent, or a client with a secret.

    With an agent, `client_id` is only needed where the workload is registered as a client of another name. With `dpop`
    every token is bound to that key; `ServiceClient` shows it with proofs.
    """

    def __init__(
        self,
        *,
        issuer: str,
        agent: Assertions | None = None,
        client_id: str = "",
        client_secret: Secret | str | None = None,
        dpop: DpopKey | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        danger_allow_plain_http: bool = False,
    ) -> None:
        if (agent is None) == (client_secret is None) or (client_secret is not None and not client_id):
            raise ConfigurationError("token exchange needs either an agent, or a client_id with its client_secret")
        self._channel = HttpChannel(tls=tls, timeout=_TIMEOUT)
        self._issuer = Issuer(issuer, channel=self._channel, danger_allow_plain_http=danger_allow_plain_http)
        self._agent = agent
        self._client_id = client_id
        self._secret = Secret(client_secret) if isinstance(client_secret, str) else client_secret
        self._clock = clock
        self.dpop = dpop
        self._nonces = Nonces()
        self._tokens = KeptTokens((IssuerUnavailable, AgentUnavailable), clock)

    async def exchange(
        self,
        subject_token: Secret | str,
        audience: str,
        scopes: str | Collection[str] = (),
        *,
        trace: TraceContext | None = None,
    ) -> Secret:
        """Return a token for one audience, on behalf of whoever the subject token is of.

        Without `scopes` the issuer grants all that the audience, the caller's token and our own rights allow.
        Raises: TokenRefused, IssuerUnavailable, AgentUnavailable.
        """
        return (await self.obtain(subject_token, audience, scopes, trace=trace)).token

    async def obtain(
        self,
        subject_token: Secret | str,
        audience: str,
        scopes: str | Collection[str] = (),
        *,
        trace: TraceContext | None = None,
    ) -> ObtainedToken:
        """Return a token with its expiry and the scope it was granted. Raises: as `exchange`."""
        text = subject_token.reveal() if isinstance(subject_token, Secret) else subject_token
        wanted = sorted(set(texts(scopes)))
        key = (hashlib.sha256(text.encode()).hexdigest(), audience, *wanted)
        return await self._tokens.get(key, lambda: self._exchange(text, audience, " ".join(wanted), trace))

    async def close(self) -> None:
        """Let go of open connections."""
        await self._channel.close()

    async def _exchange(
        self, subject_token: str, audience: str, scope: str, trace: TraceContext | None
    ) -> ObtainedToken:
        form = {
            "grant_type": GRANT,
            "subject_token": subject_token,
            "subject_token_type": ACCESS_TOKEN,
            "requested_token_type": ACCESS_TOKEN,
            "audience": audience,
        }
        if scope:
            form["scope"] = scope
        endpoint = await self._issuer.endpoint("token_endpoint")
        asked_at = self._clock()
        reply = await self._post(endpoint, dict(form), trace)
        if self._nonces.note(endpoint, reply.dpop_nonce) and reply.document.get("error") == "use_dpop_nonce":
            reply = await self._post(endpoint, dict(form), trace)
        return _token(reply, asked_at, "bearer" if self.dpop is None else "dpop")

    async def _post(self, endpoint: str, form: dict[str, str], trace: TraceContext | None) -> JsonReply:
        """Ask once, with what proves who we are and, where tokens are bound, which key we hold."""
        headers = {} if trace is None else {"traceparent": trace.traceparent()}
        await self._authenticate(form, headers, trace)
        if self.dpop is not None:
            headers["dpop"] = self.dpop.proof("POST", endpoint, nonce=self._nonces.of(endpoint))
        try:
            return await self._channel.post(endpoint, form, headers)
        except ChannelError as error:
            raise IssuerUnavailable(f"{endpoint}: {error}") from error

    async def _authenticate(self, form: dict[str, str], headers: dict[str, str], trace: TraceContext | None) -> None:
        """Add what proves who we are."""
        if self._agent is not None:
            form["client_assertion_type"] = WORKLOAD_ASSERTION
            form["client_assertion"] = (await self._agent.assertion(self._issuer.url, trace=trace)).reveal()
            if self._client_id:
                form["client_id"] = self._client_id
        elif self._secret is not None:
            pair = f"{quote_plus(self._client_id)}:{quote_plus(self._secret.reveal())}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"


def _token(reply: JsonReply, asked_at: float, wanted: str) -> ObtainedToken:
    document = reply.document
    if reply.status != _OK:
        error, description = (str(document.get(name, "")) for name in ("error", "error_description"))
        if reply.status >= _SERVER_ERRORS:
            raise IssuerUnavailable(f"the token endpoint answered {reply.status} {error}: {description}")
        raise TokenRefused(error, description)
    token, lifetime = document.get("access_token"), document.get("expires_in")
    fits = str(document.get("token_type", "")).lower() == wanted
    if not fits or not isinstance(token, str) or not token or type(lifetime) is not int or lifetime <= 0:
        raise IssuerUnavailable(f"the token endpoint answered without a token of type {wanted} and its lifetime")
    return obtained(token, lifetime, str(document.get("scope", "")), asked_at)
