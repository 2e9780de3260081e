"""The `realms` section: who and what there is in each realm."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from keystead.app.settings.client import ClientSettings
from keystead.app.settings.registration import RegistrationSettings
from keystead.app.settings.trust import PartnerServerSettings, TrustedIssuerSettings
from keystead.core.records.client_vouchers import ClientAttester, SpiffeTrustDomain
from keystead.core.records.detail_type import DetailType
from keystead.core.records.realm import Realm
from keystead.core.records.transaction_rules import TransactionRules
from keystead.core.values import Seconds, Secret

_DEFAULTS = Realm(realm="", id="")


class UserSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A person. Claims have the names of OpenID Connect; others, and translations (`name#ja`), go under `claims`.

    `email`, `email_verified`, `name`, `given_name`, `family_name`, `middle_name`, `nickname`, `profile`, `picture`,
    `website`, `gender`, `birthdate` (YYYY-MM-DD), `zoneinfo`, `locale`, `phone_number`, `phone_number_verified` and
    `address` (with `formatted`, `street_address`, `locality`, `region`, `postal_code`, `country`) are told to clients
    by scope.
    `user_code` must come with backchannel authentication requests (CIBA) of clients that take one from the person.
    `password` is set when the account is made, and again whenever the file says another.
    Spec: OpenID Connect Core 1.0 section 5.1.
    """

    username: str
    password: Secret | None = None
    user_code: Secret | None = None
    email: str = ""
    email_verified: bool = False
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    middle_name: str = ""
    nickname: str = ""
    profile: str = ""
    picture: str = ""
    website: str = ""
    gender: str = ""
    birthdate: str = ""
    zoneinfo: str = ""
    locale: str = ""
    phone_number: str = ""
    phone_number_verified: bool = False
    address: dict[str, str] = {}
    roles: tuple[str, ...] = ()
    claims: dict[str, Any] = {}
    enabled: bool = True


class ExchangeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who may exchange a token for one meant for this API.

    `from` names clients and workloads, `scopes` bounds what they may ask for (empty: all of the API).
    Spec: RFC 8693 section 2.1.
    """

    sources: tuple[str, ...] = msgspec.field(name="from", default=())
    scopes: tuple[str, ...] = ()


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An API, that is a resource server. `audience` is its resource indicator.

    `served_by` names the workload or client behind it: only it may introspect tokens for this audience or exchange
    them onward. `introspection_clients` names others that may introspect. `scope_descriptions` is what the consent page
    says, `scope_roles` the roles of which a person needs one for a scope. `access_token_lifetime` is in seconds; 0
    takes the realm's.
    Spec: RFC 8707 section 2.
    """

    audience: str
    name: str = ""
    scopes: tuple[str, ...] = ()
    scope_descriptions: dict[str, str] = {}
    scope_roles: dict[str, tuple[str, ...]] = {}
    exchange: ExchangeSettings = ExchangeSettings()
    served_by: str = ""
    introspection_clients: tuple[str, ...] = ()
    access_token_lifetime: Seconds = Seconds(0)
    enabled: bool = True


class RoleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A role a workload has, `on` something: `bus-sender` or `bus-receiver` on a subject pattern."""

    role: str
    on: str = ""


class WorkloadSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A service identity.

    `attest` is what an agent must find out about a process, attestor by attestor (`unix`, `spawned`); all of it must
    hold. `scope` and `audiences` bound the tokens it may get for itself. `roles` are what it may do on the bus.
    """

    name: str
    attest: dict[str, dict[str, Any]] = {}
    roles: tuple[RoleSettings, ...] = ()
    scope: str = ""
    audiences: tuple[str, ...] = ()
    enabled: bool = True


class AgentEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A node agent the realm believes, for the `workloads` named. Its public keys: `jwks`, or the file `jwks_file`."""

    name: str
    jwks: dict[str, Any] | None = None
    jwks_file: str = ""
    workloads: tuple[str, ...] = ()
    enabled: bool = True


class RealmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A realm: one issuer. Lifetimes and intervals are in seconds.

    `acr_names` gives the levels of assurance (`0`, `1`, `2`) names of your own, which requests ask for as `acr_values`
    and tokens say as `acr`.
    `signing_algorithm` is one of ES256, EdDSA, RS256, PS256; clients may ask for one of the
    `further_signing_algorithms` instead. `encryption_key_types` (`EC`, `RSA`) are those of the keys that clients may
    encrypt request objects to. `key_rotation_interval` is how long a key serves before the next takes over by itself.
    `access_token_lifetime` is for tokens a client gets, `exchanged_token_lifetime` bounds those bought by token
    exchange. `id_token_lifetime` and `code_lifetime` are for ID tokens and authorization codes. A device waits for its
    person as long as `device_code_lifetime` says, a backchannel authentication request (CIBA) as long as
    `backchannel_authentication_lifetime`. `danger_backchannel_test_decisions` lets anybody answer these, without a
    person, for conformance tests only. `transaction_tokens` says who may have them.
    `pushed_request_lifetime` (5 to 599) is for the `request_uri` of a pushed request.
    `refresh_token_lifetime` ends a refresh family however it is used, `refresh_token_idle_lifetime` when it is not.
    `session_lifetime` ends a person's session however it is used, `session_idle_lifetime` when it is not.
    `registration` says which clients may register themselves. `spiffe_trust_domains` are those whose JWT-SVIDs may
    authenticate clients, `client_attesters` those that may vouch for instances of an app;
    `require_attestation_challenge` demands a challenge of ours in each proof that goes with an attestation.
    `authorization_details_types` are the types of rich authorization requests (RFC 9396), by name.
    `status_lists` enters every JWT access token in a Token Status List, which is made anew every `status_list_ttl`
    seconds; it costs a write for each token.
    `maximum_actor_depth` bounds how often a token may be exchanged onward.
    `sign_up` is `closed`, or `open`: anybody may make an account, and clients may ask for it with `prompt=create`.
    `require_dpop_nonce` demands a nonce of ours in every DPoP proof (RFC 9449 section 8).
    `client_certificate_authorities` is a PEM file, or PEM itself, of the authorities believed for tls_client_auth.
    """

    display_name: str = ""
    enabled: bool = True
    acr_names: dict[str, str] = {}
    signing_algorithm: str = _DEFAULTS.signing_algorithm
    further_signing_algorithms: tuple[str, ...] = ("RS256",)
    encryption_key_types: tuple[str, ...] = ("EC", "RSA")
    access_token_lifetime: Seconds = _DEFAULTS.access_token_lifetime
    exchanged_token_lifetime: Seconds = _DEFAULTS.exchanged_token_lifetime
    id_token_lifetime: Seconds = _DEFAULTS.id_token_lifetime
    code_lifetime: Seconds = _DEFAULTS.code_lifetime
    device_code_lifetime: Seconds = _DEFAULTS.device_code_lifetime
    backchannel_authentication_lifetime: Seconds = _DEFAULTS.backchannel_authentication_lifetime
    danger_backchannel_test_decisions: bool = False
    transaction_tokens: TransactionRules = TransactionRules()
    pushed_request_lifetime: Seconds = _DEFAULTS.pushed_request_lifetime
    refresh_token_lifetime: Seconds = _DEFAULTS.refresh_token_lifetime
    refresh_token_idle_lifetime: Seconds = _DEFAULTS.refresh_token_idle_lifetime
    session_lifetime: Seconds = _DEFAULTS.session_lifetime
    session_idle_lifetime: Seconds = _DEFAULTS.session_idle_lifetime
    key_rotation_interval: Seconds = _DEFAULTS.key_rotation_interval
    maximum_actor_depth: int = _DEFAULTS.maximum_actor_depth
    sign_up: Literal["closed", "open"] = "closed"
    status_lists: bool = _DEFAULTS.status_lists
    status_list_ttl: Seconds = _DEFAULTS.status_list_ttl
    authorization_details_types: dict[str, DetailType] = {}
    require_dpop_nonce: bool = _DEFAULTS.require_dpop_nonce
    client_certificate_authorities: str = ""
    clients: tuple[ClientSettings, ...] = ()
    users: tuple[UserSettings, ...] = ()
    apis: tuple[ApiSettings, ...] = ()
    workloads: tuple[WorkloadSettings, ...] = ()
    agents: tuple[AgentEntry, ...] = ()
    trusted_issuers: tuple[TrustedIssuerSettings, ...] = ()
    partner_servers: tuple[PartnerServerSettings, ...] = ()
    registration: RegistrationSettings = RegistrationSettings()
    spiffe_trust_domains: tuple[SpiffeTrustDomain, ...] = ()
    client_attesters: tuple[ClientAttester, ...] = ()
    require_attestation_challenge: bool = False
