"""The `registration` section of a realm: which clients may register themselves."""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.core.records.registration import RegistrationPolicy, RegistrationRules
from keystead.core.values import Seconds, Secret

_POLICY = RegistrationPolicy()
_RULES = RegistrationRules()


class RegistrationPolicySettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What a client may register for.

    `grant_types` and `token_endpoint_auth_methods` are those it may choose among. `scope` is the most it gets; left
    out, who a person is and no API. `redirect_hosts` names the hosts its URIs may be at, `*.example.org` for all below
    one; left out, any. `profile` is put on it whatever it asks. `authorization_details_types` are those it
    may name; left out, none. `software_statement_required` demands a statement of one of the `statement_issuers`.
    """

    grant_types: tuple[str, ...] = _POLICY.grant_types
    scope: str = ""
    token_endpoint_auth_methods: tuple[str, ...] = _POLICY.token_endpoint_auth_methods
    redirect_hosts: tuple[str, ...] = ()
    profile: str = ""
    authorization_details_types: tuple[str, ...] = ()
    software_statement_required: bool = False


class InitialAccessTokenSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A `token` that lets its bearer register clients, under a `name` for the log.

    `uses` bounds how many; left out, as many as `maximum_clients` admits. `policy` replaces the realm's. `vouched`:
    you know whom you gave it to, so its clients are not marked as self-registered.
    """

    name: str
    token: Secret
    uses: int | None = None
    policy: RegistrationPolicySettings | None = None
    vouched: bool = True


class StatementIssuerSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """An `issuer` whose software statements are believed, by its `jwks` or those at `jwks_uri`.

    `software_ids` names the software admitted; left out, all of the issuer's.
    """

    issuer: str
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    software_ids: tuple[str, ...] = ()


class RegistrationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which clients may register themselves; left out, none.

    `open` lets anybody, under `policy`; pages warn of such clients and always ask for consent, unless
    `danger_vouch_for_open_registration`. `initial_access_tokens` let those register whom you gave one.
    `maximum_clients` bounds how many there are, `per_hour` how many `open` admits. `client_secret_lifetime` is in
    seconds, 0 for ever. `statement_issuers` are whose software statements are believed. `metadata_documents` admits
    clients whose `client_id` is the address of their metadata, at one of the `metadata_document_hosts` (left out: any).
    Spec: RFC 7591, RFC 7592, draft-ietf-oauth-client-id-metadata-document.
    """

    open: bool = False
    policy: RegistrationPolicySettings = RegistrationPolicySettings()
    danger_vouch_for_open_registration: bool = False
    initial_access_tokens: tuple[InitialAccessTokenSettings, ...] = ()
    maximum_clients: int = _RULES.maximum_clients
    per_hour: int = _RULES.per_hour
    client_secret_lifetime: Seconds = Seconds(0)
    statement_issuers: tuple[StatementIssuerSettings, ...] = ()
    metadata_documents: bool = False
    metadata_document_hosts: tuple[str, ...] = ()
