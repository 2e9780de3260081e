"""The `server` section: where the issuer listens, and what it keeps its things in."""

from __future__ import annotations

import msgspec


class ServerTlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The certificate chain and key, as PEM files, with which the issuer itself serves TLS 1.2 and 1.3."""

    certificate: str
    key: str


class ClientCertificateSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Where TLS client certificates come from (RFC 8705): a listener of our own, a proxy's header, or both.

    `listen` is the address of a second TLS listener, which asks every client for a certificate; `tls` its chain and
    key, those of the server when left out. `base_url` is its public URL: another host or port than the server's.
    `proxy_header` is what the `trusted_proxies` send: `client-cert` (RFC 9440) or `x-forwarded-client-cert` (Envoy).
    Nobody else's header counts.
    """

    listen: str = ""
    base_url: str = ""
    tls: ServerTlsSettings | None = None
    proxy_header: str = ""


class OutboundSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the issuer reaches other servers: key documents, request objects, logout and security events.

    `allow` names networks (`10.1.0.0/16`, `127.0.0.0/8`) beside the public addresses; only they may be plain http.
    `certificate_authorities` is a PEM file of authorities to trust instead of the system's.
    """

    allow: tuple[str, ...] = ()
    certificate_authorities: str = ""


class BreachedPasswordSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Which passwords nobody may have, beside the list of common ones that comes along.

    `file` was made by `keystead breached build`. `range_api` is the URL of a k-anonymity service such as
    https://api.pwnedpasswords.com/range, which is sent five digits of a hash; while it is away the files decide alone.
    """

    file: str = ""
    range_api: str = ""


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The issuer's process.

    `base_url` is the public URL browsers and services use; issuers are `{base_url}/realms/{realm}`. `listen` is the
    address and port to bind. `management_listen` serves health and metrics, apart from everything public; empty serves
    none. `database` is `sqlite:///FILE`, `postgresql://USER:PASSWORD@HOST:5432/DATABASE` or `memory://`.
    `key_encryption_key` is a `file:` reference to 32 random bytes (base64) that seal what is kept; beside an embedded
    database it is made at first start, PostgreSQL demands it. `trusted_proxies` names the addresses or networks whose
    forwarding headers are believed; off loopback, without `tls`, nobody else may connect. `outbound` says which other
    servers the issuer may reach. `tls` lets the issuer serve https itself.
    `client_certificates` says where clients show theirs. `breached_passwords` adds to the passwords that are refused
    when chosen, and must be changed when signed in with. `log_level` is `info` or `warning`.
    `danger_allow_http` serves plain http off loopback, to anybody. `danger_allow_unverified_database` lets an `sslmode`
    weaker than verify-full reach a PostgreSQL server off this machine.
    """

    base_url: str
    listen: str = "127.0.0.1:8080"
    management_listen: str = ""
    database: str = "sqlite:///keystead.db"
    key_encryption_key: str = ""
    trusted_proxies: tuple[str, ...] = ()
    tls: ServerTlsSettings | None = None
    client_certificates: ClientCertificateSettings | None = None
    outbound: OutboundSettings = OutboundSettings()
    breached_passwords: BreachedPasswordSettings = BreachedPasswordSettings()
    log_level: str = "info"
    danger_allow_http: bool = False
    danger_allow_unverified_database: bool = False
