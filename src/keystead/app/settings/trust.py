"""The realm's relations to other trust domains: whose assertions it believes, and who takes its own."""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.core.records.trusted_issuer import AccountMatch, ClaimCondition


class TrustedIssuerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An issuer of another trust domain, and one thing it is believed about.

    `name` is yours; several entries may name one `issuer`, and exactly one may fit an assertion. Its public keys stand
    in `jwks`, at `jwks_uri`, or are found by `discovery`. `audience` is what an assertion must be meant for, by
    itself; this realm's issuer where it is left out. `algorithms` and `maximum_lifetime` (seconds) bound what is taken.
    `conditions` are what its claims must be: all of them, and at least one, unless
    `danger_accept_every_subject` says that whoever that issuer names may come in.
    It speaks for one `workload`, one `client` (with `token_endpoint_auth_method: trusted_issuer`), or for people:
    `account` says how they are found, `clients` which clients may bring such assertions. `scope` bounds what it gives.
    `id_jag` takes Identity Assertion JWT Authorization Grants and nothing else.
    `reusable` lets an assertion be shown again while it lives, for tokens a machine keeps, such as Kubernetes'.
    Spec: RFC 7521, RFC 7523, RFC 8693 section 2.1.
    """

    name: str
    issuer: str
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    discovery: bool = False
    audience: str = ""
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    maximum_lifetime: int = 3600
    conditions: tuple[ClaimCondition, ...] = ()
    danger_accept_every_subject: bool = False
    workload: str = ""
    client: str = ""
    account: AccountMatch | None = None
    clients: tuple[str, ...] = ()
    scope: str = ""
    id_jag: bool = False
    reusable: bool = False
    enabled: bool = True


class PartnerServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Another authorization server that takes this realm's assertions about people.

    `issuer` is its issuer identifier, `clients` maps each client here that may ask to what it is called there. `scopes`
    and `resources` bound what may be asked there. `formats` are what it takes: `id_jag`, or `jwt` for plain identity
    chaining. `tells_email` puts the person's verified address in, for servers that find people by it.
    Spec: draft-ietf-oauth-identity-assertion-authz-grant, draft-ietf-oauth-identity-chaining.
    """

    issuer: str
    clients: dict[str, str] = {}
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("id_jag",)
    tells_email: bool = False
    enabled: bool = True
