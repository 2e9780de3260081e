"""What a change of configuration takes away from tokens that are already out, told in the same transaction."""

from __future__ import annotations

import msgspec

from keystead.app.convergence.difference import Change
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.revocation import REVOCATION_TOPIC, Revocation
from keystead.core.records.workload import Workload
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Write, emit

REASON = "configuration"
MEMORY_SECONDS = 86_400
TELLING_FIELDS = {
    Client.kind: frozenset(
        {"enabled", "client_secret_digests", "jwks", "jwks_uri", "workload", "scope", "grant_types"}
    ),
    Workload.kind: frozenset({"enabled", "scope", "audiences"}),
    Account.kind: frozenset({"enabled", "authority_epoch", "roles"}),
}


def tell_of(change: Change, now: EpochSeconds) -> Write[None]:
    """Emit the revocation a change amounts to, if it does. Making something new takes nothing away."""
    if change.verb == "create":
        return
    if change.verb == "delete" or TELLING_FIELDS.get(change.kind, frozenset()) & set(change.fields):
        yield from _tell(change, change.kind, now)
    if change.kind == Workload.kind and "roles" in change.fields:
        yield from _tell(change, "role_assignment", now)


def _tell(change: Change, kind: str, now: EpochSeconds) -> Write[None]:
    payload = msgspec.json.encode(Revocation(kind, change.id, REASON))
    yield from emit(change.realm, REVOCATION_TOPIC, payload, now, EpochSeconds(now + MEMORY_SECONDS))
