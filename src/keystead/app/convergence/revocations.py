"""What a change of configuration takes away from tokens that are already out, told in the same transaction.

What was disabled or removed is dead, with all that stands on it. What only changed (a narrower scope, another secret)
concerns what is issued from now on, and long connections, which are judged anew.
"""

from __future__ import annotations

import time
from typing import Any, Final

import msgspec

from keystead.app.convergence.difference import Change, all_of
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.revocation import REVOCATION_TOPIC, Revocation
from keystead.core.records.workload import Workload
from keystead.core.security_events import ADMIN
from keystead.core.values import EpochSeconds
from keystead.identity.account_events import tell_of_account, tell_of_removal
from keystead.identity.sessions import end_sessions_of
from keystead.storage.ports import Write, emit

REASON: Final = "configuration"
MEMORY_SECONDS: Final = 86_400
ENDING_FIELDS: Final = {
    Client.kind: frozenset({"workload"}),
    Account.kind: frozenset({"authority_epoch", "roles"}),
}
CHANGING_FIELDS: Final = {
    Client.kind: frozenset({"client_secret_digests", "jwks", "jwks_uri", "scope", "grant_types"}),
    Workload.kind: frozenset({"scope", "audiences"}),
}
_ENDING_KINDS: Final = frozenset({Client.kind, Workload.kind, Account.kind, Realm.kind})

SESSION_ENDING_FIELDS: Final = frozenset({"enabled", "authority_epoch"})
"""What, changed in an account, ends its sessions: they are dead by then, and their clients are told."""


def tell_of(change: Change, now: EpochSeconds) -> Write[None]:
    """Emit the revocations a change amounts to. Making something new takes nothing away."""
    if change.verb == "create" or change.kind not in _ENDING_KINDS:
        return
    changed = set(change.fields)
    if change.verb == "delete" or _was_disabled(change) or changed & ENDING_FIELDS.get(change.kind, frozenset()):
        yield from _tell(change.realm, change.kind, change.id, now)
        if change.kind == Workload.kind:
            yield from _tell_of_its_clients(change, now)
    elif changed & CHANGING_FIELDS.get(change.kind, frozenset()):
        yield from _tell(change.realm, f"{change.kind}_change", change.id, now)
    if change.kind == Workload.kind and "roles" in changed:
        yield from _tell(change.realm, "role_assignment", change.id, now)
    if change.kind == Account.kind and (change.verb == "delete" or changed & SESSION_ENDING_FIELDS):
        yield from end_sessions_of(change.realm, change.id, REASON, now)
    if isinstance(change.record, Account):
        yield from _tell_others(change, change.record, now)


def _tell_others(change: Change, account: Account, now: EpochSeconds) -> Write[None]:
    """Tell security event streams what became of an account."""
    if change.verb == "delete":
        yield from tell_of_removal(change.realm, change.id, now)
    else:
        yield from tell_of_account(account, change.fields, ADMIN, now)


def _was_disabled(change: Change) -> bool:
    record: Any = change.record
    return "enabled" in change.fields and not record.enabled


def _tell_of_its_clients(change: Change, now: EpochSeconds) -> Write[None]:
    """A client that proves itself as this workload ends with it; its tokens need not name the workload."""
    clients: Any = yield from all_of(Client, change.realm, now)
    for client in clients:
        if client.workload == change.id:
            yield from _tell(change.realm, Client.kind, client.id, now)


def _tell(realm: str, kind: str, id: str, now: EpochSeconds) -> Write[None]:
    """Tell it as of this moment: since `now` passwords may have been hashed for a while, and tokens been issued."""
    at = max(now, EpochSeconds(int(time.time())))
    payload = msgspec.json.encode(Revocation(kind, id, REASON))
    yield from emit(realm, REVOCATION_TOPIC, payload, at, EpochSeconds(at + MEMORY_SECONDS))
