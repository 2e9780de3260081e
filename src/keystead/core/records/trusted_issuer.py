"""Issuers of other trust domains: whose assertions are believed here, about whom, and under which conditions."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from keystead.core.records.record import Record

Plain = str | int | bool


class ClaimCondition(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one claim must be: exactly one of the fields beside `claim` says how.

    `claim` is a name, or a list of names for a claim inside others (`[kubernetes.io, namespace]`). `equals` compares
    type and value, `one_of` several of them; `prefix` and `glob` compare a text (`*` stands for anything but `/` and
    `:`, `**` for anything); `contains` looks into a list; `at_least` and `at_most` compare a number.
    """

    claim: str | tuple[str, ...]
    equals: Plain | None = None
    one_of: tuple[Plain, ...] = ()
    prefix: str = ""
    glob: str = ""
    contains: Plain | None = None
    at_least: int | None = None
    at_most: int | None = None


class AccountMatch(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which person an assertion is about: the one whose `matches` (`username`, `email`, `id`) is what `claim` says.

    An e-mail address counts only where both sides have verified it.
    """

    claim: str = "sub"
    matches: str = "username"


class TrustedIssuer(Record, frozen=True, kw_only=True):
    """One thing that is believed of another issuer. Its `id` is a name; several may speak of one `issuer`.

    Its keys stand in `jwks`, at `jwks_uri`, or are found by `discovery`. An assertion must be meant for one of
    `audiences`, the realm's own issuer when empty. It speaks for exactly one of `workload`, `client` and `account`, and
    about accounts only to `clients`. `scope` bounds what it may give. `id_jag`: it says so in Identity Assertion JWT
    Authorization Grants, and in nothing else. `reusable` lets one assertion be shown more than once in its life.
    Spec: RFC 7521 section 5, RFC 7523 section 3, draft-ietf-oauth-identity-assertion-authz-grant.
    """

    kind: ClassVar[str] = "trusted_issuer"
    indexes: ClassVar[tuple[str, ...]] = ("issuer",)
    cached: ClassVar[bool] = True

    issuer: str
    enabled: bool = True
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    discovery: bool = False
    audiences: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    maximum_lifetime: int = 3600
    conditions: tuple[ClaimCondition, ...] = ()
    workload: str = ""
    client: str = ""
    account: AccountMatch | None = None
    clients: tuple[str, ...] = ()
    scope: str = ""
    id_jag: bool = False
    reusable: bool = False
    managed_by: str = ""


class PartnerServer(Record, frozen=True, kw_only=True):
    """Another authorization server that takes our assertions about people. Its `id` is its issuer identifier.

    `clients` says what each client of ours is called there; no other may ask. `scopes` bounds what may be asked there,
    `resources` where. `formats` are the token types it takes: `id_jag`, or `jwt` for plain identity chaining.
    Spec: draft-ietf-oauth-identity-assertion-authz-grant section 4.3, draft-ietf-oauth-identity-chaining section 2.3.
    """

    kind: ClassVar[str] = "partner_server"
    cached: ClassVar[bool] = True

    enabled: bool = True
    clients: dict[str, str] = {}
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("id_jag",)
    tells_email: bool = False
    managed_by: str = ""
