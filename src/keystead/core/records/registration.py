"""Clients that register themselves: what a realm admits, who may begin, and how many there are."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds, Seconds

REGISTERED: Final = "registration"
"""`Client.managed_by` of a client that registered itself."""

FROM_A_DOCUMENT: Final = "metadata_document"
"""`Client.managed_by` of a client whose `client_id` is the address of its metadata."""

SELF_SERVICE_METHODS: Final = (
    "none",
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
)


class RegistrationPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client may register for.

    `grant_types` and `token_endpoint_auth_methods` are those it may choose from. `scope` is the most it gets; empty
    for who a person is and no API. `redirect_hosts` names the hosts its URIs may be at, `*.example.org` for all below
    one; empty for any. `profile` is put on it whatever it asks. `authorization_details_types` are those it
    may name. `software_statement_required` demands a statement of one of the realm's statement issuers.
    """

    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    scope: str = ""
    token_endpoint_auth_methods: tuple[str, ...] = SELF_SERVICE_METHODS
    redirect_hosts: tuple[str, ...] = ()
    profile: str = ""
    authorization_details_types: tuple[str, ...] = ()
    software_statement_required: bool = False


class StatementIssuer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who signs software statements that are believed here. `software_ids` names the software admitted; empty: all."""

    issuer: str
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    software_ids: tuple[str, ...] = ()


class RegistrationRules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A realm's rules for registration.

    `open` lets anybody register, under `policy`. Clients of open registration are marked self-registered, unless
    `danger_vouch_for_open_registration`. `maximum_clients` bounds how many there are in all, `per_hour` how many open
    registration admits. `client_secret_lifetime` is in seconds, 0 for ever. `metadata_documents` admits clients whose
    `client_id` is the URL of their metadata, `metadata_document_hosts` bounds where these may be.
    """

    open: bool = False
    policy: RegistrationPolicy = RegistrationPolicy()
    danger_vouch_for_open_registration: bool = False
    maximum_clients: int = 1_000
    per_hour: int = 60
    client_secret_lifetime: Seconds = Seconds(0)
    statement_issuers: tuple[StatementIssuer, ...] = ()
    metadata_documents: bool = False
    metadata_document_hosts: tuple[str, ...] = ()


class InitialAccessToken(Record, frozen=True, kw_only=True):
    """A token that lets its bearer register clients. Its `id` is the token's digest.

    `uses_left` counts down; None is without end. `policy` replaces the realm's. `vouched`: the operator knows who it
    was given to, so the clients are not marked self-registered.
    """

    kind: ClassVar[str] = "initial_access_token"

    name: str = ""
    uses_left: int | None = 1
    policy: RegistrationPolicy | None = None
    vouched: bool = True
    managed_by: str = ""


TALLY_ID: Final = "all"


class RegistrationTally(Record, frozen=True, kw_only=True):
    """How many clients registered themselves, in all and in the hour that began at `hour_began`. One a realm."""

    kind: ClassVar[str] = "registration_tally"

    total: int = 0
    in_hour: int = 0
    hour_began: EpochSeconds = EpochSeconds(0)
