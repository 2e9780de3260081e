"""An API, that is a resource server: an audience, its scopes, and who may exchange towards it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from keystead.core.records.record import Record


class ExchangePolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who may obtain a token for this API by token exchange (RFC 8693).

    `sources` names clients or workloads (`from` in the configuration). `scopes` bounds what they may ask for; empty
    means all scopes of the API. Nobody may, unless named.
    """

    sources: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


class Api(Record, frozen=True, kw_only=True):
    """An API. Its `id` is the audience, a resource indicator (RFC 8707 section 2).

    `scope_roles` names, for a scope, the roles of which the person must have one for the scope to be granted.
    `served_by` names the workload or client behind the audience: only it (and the client a token was issued to) may
    offer a token for this audience as a subject token, or introspect it, besides `introspection_clients`.
    """

    kind: ClassVar[str] = "api"
    cached: ClassVar[bool] = True

    enabled: bool = True
    name: str = ""
    scopes: tuple[str, ...] = ()
    scope_descriptions: dict[str, str] = {}
    scope_roles: dict[str, tuple[str, ...]] = {}
    exchange: ExchangePolicy = ExchangePolicy()
    served_by: str = ""
    introspection_clients: tuple[str, ...] = ()
    access_token_lifetime: int = 0
    managed_by: str = ""
