"""The settings of the gateway, as written in the configuration file.

Does not: read files or the environment, or check one setting against another; `routes.compile_routes` and
`keystead.app` do.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from keystead.core.values import Secret
from keystead.sdk.revocations import RevocationPolicy

DEFAULT_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class RouteSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the allow-list: which paths go where, with which token. What no route names is answered 404.

    `path`: the path and everything below it (`/api/catalog` covers `/api/catalog/` and `/api/catalog/items/1`,
    never `/api/catalogue`). The longest route wins.
    `upstream`: the URL that takes the place of `path`; the rest of the path follows unchanged.
    `audience`: whom the session's token is exchanged for. Every route has one unless it is `public`.
    `scopes`: the scopes asked for in the exchange; none means all that the session and the API allow.
    `methods`: the methods let through.
    `public`: needs no session and carries no identity.
    `csrf`: `header` demands `X-CSRF: 1` on every call. `same_origin` also lets through GET and HEAD that the browser
    marks as coming from our own pages or from its address bar (pages, images, `EventSource`).
    `websocket`: lets WebSocket handshakes through, from our own origin only.
    `cookies`: lets the upstream set and see cookies of its own. Ours never reach it.
    `host`: the Host header sent upstream, in place of the upstream's own.
    `maximum_body`: the largest request body in bytes; 0 takes the gateway's limit.
    `response_timeout`: seconds the upstream may take to begin its answer; 0 takes the gateway's limit.
    """

    path: str
    upstream: str
    audience: str = ""
    scopes: tuple[str, ...] = ()
    methods: tuple[str, ...] = DEFAULT_METHODS
    public: bool = False
    csrf: Literal["header", "same_origin"] = "header"
    websocket: bool = False
    cookies: bool = False
    host: str = ""
    maximum_body: int = 0
    response_timeout: float = 0


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds. Sizes are bytes, times are seconds.

    `header_bytes` and `header_count` bound a request's head, `target_bytes` its target, `body_bytes` its body.
    `connections` bounds browser connections, `upstream_connections` those to one upstream, `upstream_queue` the
    requests that wait for one.
    `header_timeout` is for a whole request head, `idle_timeout` for a kept-alive connection without a request,
    `body_timeout` for a body that makes no progress, `connect_timeout` and `response_timeout` for the upstream.
    `websocket_idle_timeout` ends a tunnel in which nothing moves.
    """

    header_bytes: int = 32_768
    header_count: int = 100
    target_bytes: int = 8_192
    body_bytes: int = 134_217_728
    connections: int = 10_000
    upstream_connections: int = 256
    upstream_queue: int = 1_024
    header_timeout: float = 10
    idle_timeout: float = 60
    body_timeout: float = 30
    connect_timeout: float = 5
    response_timeout: float = 60
    websocket_idle_timeout: float = 300


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a browser's session lives, in seconds, whatever the issuer allows.

    `idle_timeout` counts from the last request, `absolute_timeout` from the sign-in.
    """

    idle_timeout: int = 3_600
    absolute_timeout: int = 43_200


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The certificate chain and key, as PEM files, with which the gateway itself serves TLS."""

    certificate: str
    key: str


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway.

    `listen`: host and port browsers reach. `management_listen`: host and port of health, apart
    from them; none when empty.
    `public_url`: the origin as browsers write it; requests that name another host are refused.
    `issuer`: the issuer identifier; its endpoints are found through its metadata.
    `client_id`: who the gateway is at the issuer. It proves it by `client_secret`, or without a secret by an
    assertion from the agent on `agent_socket`.
    `scopes`: asked for at sign-in.
    `dpop`: binds every token the gateway holds to a key of its own (RFC 9449) and sends upstreams a proof with each
    request: a token stolen from an upstream is good nowhere else.
    `database`: where sessions are kept: `sqlite:///FILE`, or `postgresql://...` for several nodes that are one gateway.
    `key_encryption_key`: a `file:` reference to the key that seals them; beside a file it is made at the first start,
    PostgreSQL demands it. `danger_allow_unverified_database`: an `sslmode` weaker than verify-full may be used off this
    machine.
    `revocations`: how old the issuer's news of what ended may be before the issuer is asked at every request.
    `trusted_proxies`: addresses of proxies in front whose X-Forwarded-For names the browser. None by default.
    `ca_file`: certificates to trust, as a PEM file, in place of the system's, for issuer and upstreams.
    """

    listen: str = "127.0.0.1:8000"
    management_listen: str = ""
    public_url: str = ""
    issuer: str = ""
    client_id: str
    client_secret: Secret | None = None
    agent_socket: str = ""
    scopes: tuple[str, ...] = ("openid",)
    dpop: bool = False
    database: str = "sqlite:///gateway.db"
    key_encryption_key: str = ""
    danger_allow_unverified_database: bool = False
    revocations: RevocationPolicy = RevocationPolicy()
    trusted_proxies: tuple[str, ...] = ()
    ca_file: str = ""
    tls: TlsSettings | None = None
    session: SessionSettings = SessionSettings()
    limits: LimitSettings = LimitSettings()
    routes: tuple[RouteSettings, ...] = ()
