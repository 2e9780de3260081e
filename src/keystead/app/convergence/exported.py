"""The way back: stored records as the settings that would make them.

Does not: give out secrets. Client secrets and passwords are left out; the records hold only digests and hashes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.app.convergence.difference import all_of
from keystead.core.records.account import Account
from keystead.core.records.api import Api
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.record import Record
from keystead.core.records.registration import FROM_A_DOCUMENT, REGISTERED
from keystead.core.records.trusted_issuer import PartnerServer, TrustedIssuer
from keystead.core.records.workload import Agent, Workload
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, get

NAMES = {
    Client: "client_id",
    Account: "username",
    Api: "audience",
    Workload: "name",
    Agent: "name",
    TrustedIssuer: "name",
    PartnerServer: "issuer",
}
SECTIONS: tuple[tuple[str, type[Record]], ...] = (
    ("clients", Client),
    ("users", Account),
    ("apis", Api),
    ("workloads", Workload),
    ("agents", Agent),
    ("trusted_issuers", TrustedIssuer),
    ("partner_servers", PartnerServer),
)
BY_THEMSELVES = frozenset({REGISTERED, FROM_A_DOCUMENT})
"""Clients that registered themselves are no part of a file: nobody wrote them, and they would lose their tokens."""
OURS_ALONE = frozenset(
    {
        "realm",
        "id",
        "version",
        "expires_at",
        "managed_by",
        "features",
        "client_secret_digests",
        "client_secrets_sealed",
        "client_secret_expiries",
        "client_secret_expires_at",
        "client_id_issued_at",
        "self_registered",
        "registration_access_token_digest",
        "registration_policy",
        "password_hash",
        "user_code_mac",
        "configured_password_mac",
        "new_password_due",
        "second_factors",
        "authority_epoch",
        "created_at",
        "updated_at",
    }
)


def export_realm(realm: str, now: EpochSeconds) -> Read[dict[str, Any]]:
    """Return the settings of one realm."""
    found = yield from get(Realm, realm, realm, now)
    document = _told(found) if found is not None else {}
    for section, kind in SECTIONS:
        records = [
            one for one in (yield from all_of(kind, realm, now)) if getattr(one, "managed_by", "") not in BY_THEMSELVES
        ]
        if records:
            document[section] = [_entry(record) for record in records]
    return document


def _entry(record: Record) -> dict[str, Any]:
    name = NAMES[type(record)]
    entry = {name: getattr(record, name, "") if isinstance(record, Account) else record.id, **_told(record)}
    if isinstance(record, Api) and (record.exchange.sources or record.exchange.scopes):
        entry["exchange"] = {"from": list(record.exchange.sources), "scopes": list(record.exchange.scopes)}
    if isinstance(record, Workload):
        entry["roles"] = [{"role": role.role, "on": role.on} for role in record.roles]
    if isinstance(record, TrustedIssuer):
        return _trusted_issuer(entry, record)
    if isinstance(record, Client) and record.token_endpoint_auth_method == "client_secret":  # noqa: S105 - a method
        del entry["token_endpoint_auth_method"]
    return entry


def _trusted_issuer(entry: dict[str, Any], record: TrustedIssuer) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(entry)
    if told.pop("audiences", None):
        told["audience"] = record.audiences[0]
    if not record.conditions:
        told["danger_accept_every_subject"] = True
    return told


def _told(record: Record) -> dict[str, Any]:
    """Return the fields that differ from their defaults, as plain values."""
    told = {}
    for name, default in zip(reversed(record.__struct_fields__), reversed(record.__struct_defaults__), strict=False):
        value = getattr(record, name)
        if name not in OURS_ALONE | {"exchange", "roles"} and value != default:
            told[name] = msgspec.to_builtins(value)
    if isinstance(record, Account) and record.roles:
        told["roles"] = list(record.roles)
    return dict(reversed(told.items()))
