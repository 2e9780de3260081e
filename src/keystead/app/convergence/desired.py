"""The records a realm's settings ask for."""

from __future__ import annotations

from typing import Any

from keystead.app.convergence.registration import initial_access_tokens, registration_rules
from keystead.app.convergence.trust import features, trust_records
from keystead.app.settings.client import ClientSettings
from keystead.app.settings.credential_checks import client_secrets, secret_expiries
from keystead.app.settings.profile_checks import settled_method
from keystead.app.settings.realm import (
    AgentEntry,
    ApiSettings,
    RealmSettings,
    UserSettings,
    WorkloadSettings,
)
from keystead.core.records.account import Account
from keystead.core.records.api import Api, ExchangePolicy
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.record import Record
from keystead.core.records.workload import Agent, RoleAssignment, Workload
from keystead.core.values import EpochSeconds, handle_digest

CONFIGURATION = "configuration"
_SAME_IN_BOTH = sorted(set(ClientSettings.__struct_fields__) & set(Client.__struct_fields__))
_CLAIM_FIELDS = (
    *("middle_name", "nickname", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale"),
    *("phone_number", "phone_number_verified", "address"),
)
_SAME_IN_BOTH_REALMS = sorted(set(RealmSettings.__struct_fields__) & set(Realm.__struct_fields__))
PERSON_SCOPES = ("openid", "profile", "email")


def desired_records(realm: str, settings: RealmSettings) -> list[Record]:
    """Return every record of a realm but its people, in the order in which they may be written."""
    return [
        realm_record(realm, settings),
        *(api_record(realm, api) for api in settings.apis),
        *(workload_record(realm, workload) for workload in settings.workloads),
        *(agent_record(realm, agent) for agent in settings.agents),
        *(client_record(realm, client, settings.apis) for client in settings.clients),
        *trust_records(realm, settings),
        *initial_access_tokens(realm, settings.registration),
    ]


def realm_record(realm: str, settings: RealmSettings) -> Realm:
    """Return the realm itself."""
    same = {name: getattr(settings, name) for name in _SAME_IN_BOTH_REALMS}
    changed = {
        "display_name": settings.display_name or realm,
        "registration": registration_rules(settings.registration),
        "features": features(settings),
    }
    return Realm(realm=realm, id=realm, **same | changed)


def client_record(realm: str, settings: ClientSettings, apis: tuple[ApiSettings, ...] = ()) -> Client:
    """Return a client. Its secrets become digests."""
    same = {name: getattr(settings, name) for name in _SAME_IN_BOTH}
    return Client(
        realm=realm,
        id=settings.client_id,
        **same
        | {
            "client_name": settings.client_name or settings.client_id,
            "token_endpoint_auth_method": settled_method(settings),
            "scope": settings.scope or implied_scope(settings, apis),
        },
        client_secret_digests=tuple(handle_digest(secret) for secret in client_secrets(settings)),
        client_secret_expiries=tuple(EpochSeconds(end) for end in secret_expiries(settings)),
        managed_by=CONFIGURATION,
    )


def implied_scope(settings: ClientSettings, apis: tuple[ApiSettings, ...]) -> str:
    """Return what a client that signs people in may ask for when the file does not say.

    Who the person is, and the scopes of the APIs that admit the client by `exchange.from`, with those behind them: the
    file has opened these to it already. A client without people gets nothing it was not given.
    Spec: RFC 7591 section 2 (`scope`).
    """
    if "authorization_code" not in settings.grant_types:
        return ""
    parties, scopes, admitted = {settings.client_id, settings.workload} - {""}, list(PERSON_SCOPES), True
    while admitted:
        reached = [api for api in apis if parties & set(api.exchange.sources)]
        scopes += [scope for api in reached for scope in api.scopes if scope not in scopes]
        behind = {api.served_by for api in reached if api.served_by} - parties
        parties |= behind
        admitted = bool(behind)
    return " ".join(scopes)


def api_record(realm: str, settings: ApiSettings) -> Api:
    """Return an API."""
    return Api(
        realm=realm,
        id=settings.audience,
        enabled=settings.enabled,
        name=settings.name or settings.audience,
        scopes=settings.scopes,
        scope_descriptions=settings.scope_descriptions,
        scope_roles=settings.scope_roles,
        exchange=ExchangePolicy(settings.exchange.sources, settings.exchange.scopes),
        served_by=settings.served_by,
        introspection_clients=settings.introspection_clients,
        access_token_lifetime=settings.access_token_lifetime,
        managed_by=CONFIGURATION,
    )


def workload_record(realm: str, settings: WorkloadSettings) -> Workload:
    """Return a workload."""
    return Workload(
        realm=realm,
        id=settings.name,
        enabled=settings.enabled,
        attest=settings.attest,
        roles=tuple(RoleAssignment(role.role, role.on) for role in settings.roles),
        scope=settings.scope,
        audiences=settings.audiences,
        managed_by=CONFIGURATION,
    )


def agent_record(realm: str, settings: AgentEntry) -> Agent:
    """Return an agent."""
    return Agent(
        realm=realm,
        id=settings.name,
        enabled=settings.enabled,
        jwks=settings.jwks or {},
        workloads=settings.workloads,
        managed_by=CONFIGURATION,
    )


def told_claims(settings: UserSettings) -> dict[str, Any]:
    """Return the claims of a person that have no field in the account."""
    written = {name: getattr(settings, name) for name in _CLAIM_FIELDS}
    return settings.claims | {name: value for name, value in written.items() if value}


def account_record(realm: str, settings: UserSettings, account_id: str) -> Account:
    """Return a person's account, without what the store knows better: password hash, epoch, time of making."""
    return Account(
        realm=realm,
        id=account_id,
        username=settings.username,
        enabled=settings.enabled,
        email=settings.email,
        email_verified=settings.email_verified,
        name=settings.name or f"{settings.given_name} {settings.family_name}".strip(),
        given_name=settings.given_name,
        family_name=settings.family_name,
        claims=told_claims(settings),
        roles=settings.roles,
        managed_by=CONFIGURATION,
    )
