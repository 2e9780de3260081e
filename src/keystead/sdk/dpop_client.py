"""A client whose tokens are good with its key alone: it buys them with proofs, and calls with proofs.

    auth = DpopClientCredentials("https://orders.acme.example", issuer=ISSUER, client_id="batch", client_secret=SECRET)
    with httpx2.Client(auth=auth) as client:                    # or httpx2.AsyncClient: the flow is the same
        client.get("https://orders.acme.example/orders")

Flow: one generator of requests and replies (no I/O of its own) serves synchronous and asynchronous clients -> a token
is bought and kept until 80 % of its life -> the call goes out with the DPoP scheme and a fresh proof -> a server that
wants a nonce gets one, once.
Does not: send the token to any other origin than the service's, or follow redirects (leave them off, as httpx2 does).
Spec: RFC 9449 sections 4, 5, 7, 8 and 9, RFC 6749 section 4.4.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Collection, Generator
from typing import Final
from urllib.parse import quote_plus

import httpx2

from keystead.core.errors import ConfigurationError
from keystead.core.strict_json import NotStrictJson, parse_object
from keystead.core.values import Secret
from keystead.sdk.addresses import require_safe_url
from keystead.sdk.demand import texts
from keystead.sdk.dpop import DpopKey, Nonces
from keystead.sdk.errors import IssuerUnavailable, TokenRefused
from keystead.sdk.kept_tokens import ObtainedToken, obtained

Flow = Generator[httpx2.Request, httpx2.Response, None]
Answered = Generator[httpx2.Request, httpx2.Response, httpx2.Response]
_OK: Final = 200
_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_SERVER_ERRORS: Final = 500
_MAXIMUM: Final = 65_536


class DpopAuth(httpx2.Auth):
    """Shows a token you have with a proof for each request to one service, following its nonces.

    `base_url` says which service the token is for: requests to another origin are not sent. `nonces` may be shared by
    several of these.
    """

    def __init__(
        self,
        base_url: str,
        key: DpopKey,
        token: Secret | str,
        *,
        nonces: Nonces | None = None,
        danger_allow_plain_http: bool = False,
    ) -> None:
        require_safe_url(base_url, "base_url", danger_allow_plain_http=danger_allow_plain_http)
        self._origin = _origin(httpx2.URL(base_url))
        self._key = key
        self._token = token if isinstance(token, Secret) else Secret(token)
        self._nonces = nonces or Nonces()

    def auth_flow(self, request: httpx2.Request) -> Flow:
        """Send the request with the token, and once more where the service wants a nonce.

        Raises: ConfigurationError when the request goes to another origin.
        """
        self._require_origin(request)
        yield from self._call(request, self._token)

    def _require_origin(self, request: httpx2.Request) -> None:
        if _origin(request.url) != self._origin:
            raise ConfigurationError("this token is for another service; it was not sent")

    def _call(
        self, request: httpx2.Request, token: Secret
    ) -> Generator[httpx2.Request, httpx2.Response, httpx2.Response]:
        url = str(request.url)
        self._show(request, token)
        response = yield request
        fresh = self._nonces.note(url, response.headers.get("dpop-nonce"))
        if fresh and response.status_code == _UNAUTHORIZED and _wants_nonce(response):
            self._show(request, token)
            response = yield request
            self._nonces.note(url, response.headers.get("dpop-nonce"))
        return response

    def _show(self, request: httpx2.Request, token: Secret) -> None:
        url = str(request.url)
        shown = token.reveal()
        request.headers["authorization"] = f"DPoP {shown}"
        request.headers["dpop"] = self._key.proof(request.method, url, token=shown, nonce=self._nonces.of(url))


class DpopClientCredentials(DpopAuth):
    """Buys bound tokens for one service as a client with a secret, and shows them with proofs.

    `audience` is the service's resource indicator; without one, `base_url`. `scopes` narrows. `key` is made when left
    out: the tokens then end with this process.
    """

    requires_response_body = True

    def __init__(
        self,
        base_url: str,
        *,
        issuer: str,
        client_id: str,
        client_secret: Secret | str,
        audience: str = "",
        scopes: str | Collection[str] = (),
        key: DpopKey | None = None,
        clock: Callable[[], float] = time.time,
        danger_allow_plain_http: bool = False,
    ) -> None:
        super().__init__(base_url, key or DpopKey(clock=clock), "", danger_allow_plain_http=danger_allow_plain_http)
        require_safe_url(issuer, "issuer", danger_allow_plain_http=danger_allow_plain_http)
        self._issuer = issuer
        secret = client_secret.reveal() if isinstance(client_secret, Secret) else client_secret
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
        self._basic = Secret(f"Basic {b64encode(pair.encode()).decode()}")
        self._form = {"grant_type": "client_credentials", "resource": audience or base_url}
        if scopes:
            self._form["scope"] = " ".join(texts(scopes))
        self._endpoint = ""
        self._kept: ObtainedToken | None = None
        self._clock = clock
        self._plain_http = danger_allow_plain_http

    def auth_flow(self, request: httpx2.Request) -> Flow:
        """Buy a token where none is kept, and send the request with it; buy anew, once, where it is refused.

        Raises: TokenRefused, IssuerUnavailable, ConfigurationError when the request goes to another origin.
        """
        self._require_origin(request)
        kept = self._kept
        if kept is None or self._clock() >= kept.renew_at:
            kept = yield from self._buy()
        response = yield from self._call(request, kept.token)
        if response.status_code == _UNAUTHORIZED and "invalid_token" in response.headers.get("www-authenticate", ""):
            self._kept = None
            kept = yield from self._buy()
            yield from self._call(request, kept.token)

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """The same for an asynchronous client, which reads only replies that are ours to read."""
        flow = self.auth_flow(request)
        outgoing = next(flow)
        while True:
            response = yield outgoing
            if outgoing is not request:
                await response.aread()
            try:
                outgoing = flow.send(response)
            except StopIteration:
                return

    def sync_auth_flow(self, request: httpx2.Request) -> Flow:
        """The same for a synchronous client."""
        flow = self.auth_flow(request)
        outgoing = next(flow)
        while True:
            response = yield outgoing
            if outgoing is not request:
                response.read()
            try:
                outgoing = flow.send(response)
            except StopIteration:
                return

    def _buy(self) -> Generator[httpx2.Request, httpx2.Response, ObtainedToken]:
        if not self._endpoint:
            self._endpoint = yield from self._discover()
        asked_at = self._clock()
        response = yield self._token_request()
        fresh = self._nonces.note(self._endpoint, response.headers.get("dpop-nonce"))
        if fresh and response.status_code == _BAD_REQUEST and _document(response).get("error") == "use_dpop_nonce":
            response = yield self._token_request()
            self._nonces.note(self._endpoint, response.headers.get("dpop-nonce"))
        self._kept = _bound_token(response, asked_at)
        return self._kept

    def _discover(self) -> Generator[httpx2.Request, httpx2.Response, str]:
        response = yield httpx2.Request("GET", f"{self._issuer}/.well-known/openid-configuration")
        document = _document(response)
        endpoint = document.get("token_endpoint")
        if response.status_code != _OK or document.get("issuer") != self._issuer or not isinstance(endpoint, str):
            raise IssuerUnavailable(
                f"the discovery document of {self._issuer} names another issuer, or no token endpoint"
            )
        require_safe_url(endpoint, "token_endpoint", danger_allow_plain_http=self._plain_http)
        return endpoint

    def _token_request(self) -> httpx2.Request:
        proof = self._key.proof("POST", self._endpoint, nonce=self._nonces.of(self._endpoint))
        headers = {"authorization": self._basic.reveal(), "dpop": proof, "accept": "application/json"}
        return httpx2.Request("POST", self._endpoint, data=self._form, headers=headers)


def _bound_token(response: httpx2.Response, asked_at: float) -> ObtainedToken:
    document = _document(response)
    if response.status_code != _OK:
        error, description = (str(document.get(name, "")) for name in ("error", "error_description"))
        if response.status_code >= _SERVER_ERRORS:
            raise IssuerUnavailable(f"the token endpoint answered {response.status_code} {error}: {description}")
        raise TokenRefused(error, description)
    token, lifetime = document.get("access_token"), document.get("expires_in")
    if str(document.get("token_type", "")).lower() != "dpop":
        raise IssuerUnavailable("the token endpoint did not bind the token to our key")
    if not isinstance(token, str) or not token or type(lifetime) is not int or lifetime <= 0:
        raise IssuerUnavailable("the token endpoint answered without a token and its lifetime")
    return obtained(token, lifetime, str(document.get("scope", "")), asked_at)


def _document(response: httpx2.Response) -> dict[str, object]:
    try:
        return parse_object(response.content, maximum_bytes=_MAXIMUM)
    except NotStrictJson:
        return {}


def _wants_nonce(response: httpx2.Response) -> bool:
    return "use_dpop_nonce" in response.headers.get("www-authenticate", "")


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
