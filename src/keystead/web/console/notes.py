"""Who changed a tuple in the console: written down in the same transaction as the change itself."""

from __future__ import annotations

from keystead.authz.served import catalogue
from keystead.core.records.console_change import ConsoleChange
from keystead.core.values import EpochSeconds
from keystead.storage.ports import (
    CHANGES_KEPT,
    Read,
    ReadRelationships,
    RelationshipsRefused,
    RelationshipsWritten,
    Write,
    WriteRelationships,
    get,
    put,
    read_relationships,
    write_relationships,
)
from keystead.web.console.page import ConsoleVisit


async def write_and_note(
    visit: ConsoleVisit, operation: WriteRelationships
) -> RelationshipsWritten | RelationshipsRefused:
    """Write tuples, and who did. Raises: UnknownStore.

    What is deleted must still be what the person was shown: another condition or end is refused as `changed`.
    """
    account, now = visit.person.account, visit.request.now

    def write() -> Write[RelationshipsWritten | RelationshipsRefused]:
        yield from catalogue.store_of(operation.realm, operation.store)
        for shown in operation.deletes:
            exact = ReadRelationships(operation.realm, operation.store, shown.object, shown.relation, shown.user)
            if any(found != shown for found in (yield from read_relationships(exact))):
                return RelationshipsRefused("changed", shown)
        outcome = yield from write_relationships(operation)
        if isinstance(outcome, RelationshipsWritten):
            id = _id(operation.store, outcome.revision)
            expires = EpochSeconds(now + CHANGES_KEPT)
            name = account.name or account.username
            note = ConsoleChange(realm=operation.realm, id=id, subject=account.id, name=name, expires_at=expires)
            yield from put(note, now)
        return outcome

    outcome = await visit.desk.cx.store.write(write)
    if isinstance(outcome, RelationshipsWritten):
        await visit.desk.stores.open(visit.realm, operation.store, newest=True)  # so that the next page shows it
    return outcome


def who_changed(realm: str, store: str, revisions: set[int], now: EpochSeconds) -> Read[dict[int, str]]:
    """Return the names of those who made changes in the console, by revision."""
    found: dict[int, str] = {}
    for revision in revisions:
        note = yield from get(ConsoleChange, realm, _id(store, revision), now)
        if note is not None:
            found[revision] = note.name
    return found


def _id(store: str, revision: int) -> str:
    return f"{store}.{revision}"
