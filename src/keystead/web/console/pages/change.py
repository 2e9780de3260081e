"""Adding and deleting a tuple: shown once more in full, then done, if it still is as it was shown."""

from __future__ import annotations

from typing import ClassVar, Final
from urllib.parse import urlsplit

from keystead.authz.errors import AuthorizationError, InvalidRelationship
from keystead.authz.names import text_of
from keystead.authz.served import UnknownModel
from keystead.authz.tuple_lines import read_tuples
from keystead.authz.writes import accepted_tuples
from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import read_body, read_form
from keystead.core.http import Reply
from keystead.core.records.authorization import AuthorizationStore
from keystead.core.redirects import see_other
from keystead.storage.ports import ReadRelationships, RelationshipsRefused, WriteRelationships
from keystead.web.console.change_form import ChangeForm, named_tuple
from keystead.web.console.notes import write_and_note
from keystead.web.console.page import ConsolePage, ConsoleVisit
from keystead.web.console.pages.tuples import tuple_facts
from keystead.web.console.queries import address
from keystead.web.console.rendering import render_store
from keystead.web.console.visit import refuse_post

_REFUSED: Final = {
    "duplicate": "A tuple with this object, relation and user is there already. Delete it first to change it.",
    "missing": "The tuple is gone: somebody else has deleted it.",
    "must_exist": "A tuple that you said must be there is not there.",
    "must_not_exist": "A tuple that you said must not be there is there.",
    "changed": "The tuple is not what you were shown any more: somebody has changed its condition or its end.",
}


class ChangePage(ConsolePage):
    """Asks before it writes; writes; comes back to the list. Only for editors, only from our own form."""

    name: ClassVar[str] = "change"
    title: ClassVar[str] = "Change"
    methods: ClassVar[frozenset[str]] = frozenset({"POST"})

    async def handle(self, visit: ConsoleVisit, store: AuthorizationStore) -> Reply:
        """Answer one post."""
        try:
            form = read_form(read_body(visit.request), ChangeForm)
        except InvalidRequest:
            form = ChangeForm()
        refusal = refuse_post(visit, form.token)
        if refusal is not None:
            return refusal
        try:
            operation = await _operation(visit, store, form)
        except (AuthorizationError, ValueError) as error:
            return await _ask(visit, store, form, problem=str(error))
        if not form.sure:
            return await _ask(visit, store, form)
        return await _do(visit, store, form, operation)


async def _operation(visit: ConsoleVisit, store: AuthorizationStore, form: ChangeForm) -> WriteRelationships:
    """Return what is to be written. Raises: InvalidRelationship, ValueError, UnknownModel."""
    tuple = named_tuple(form)
    if form.what == "add":
        accepted_tuples((await visit.desk.stores.open(visit.realm, store.id)).plan, [tuple])
        if tuple.expires_at and tuple.expires_at <= visit.request.now:
            raise InvalidRelationship("it would have ended already: give a time that is still to come")
    adds = form.what == "add"
    return WriteRelationships(
        visit.realm,
        store.id,
        (tuple,) if adds else (),
        () if adds else (tuple,),
        visit.request.now,
        must_exist=read_tuples(form.must_exist),
        must_not_exist=read_tuples(form.must_not_exist),
    )


async def _do(visit: ConsoleVisit, store: AuthorizationStore, form: ChangeForm, operation: WriteRelationships) -> Reply:
    outcome = await write_and_note(visit, operation)
    if isinstance(outcome, RelationshipsRefused):
        _record(visit, store, operation, reason="authz.write_refused")
        return await _ask(visit, store, form, problem=f"{_REFUSED[outcome.why]} ({text_of(outcome.which)})")
    _record(visit, store, operation)
    path = urlsplit(visit.at(store, "tuples")).path
    return see_other(address(path, done="added" if operation.writes else "deleted"))


async def _ask(visit: ConsoleVisit, store: AuthorizationStore, form: ChangeForm, problem: str = "") -> Reply:
    """Return the page that asks whether this is meant, or says why it cannot be."""
    stored = []
    if form.what == "delete":
        wanted = ReadRelationships(visit.realm, store.id, form.object, form.relation, form.user)
        stored = await visit.desk.stores.read(wanted)
    try:
        has_model = bool((await visit.desk.stores.open(visit.realm, store.id)).model_id)
    except UnknownModel:
        has_model = False
    facts = {
        "form": form,
        "adds": form.what == "add",
        "problem": problem,
        "has_model": has_model,
        "tuple": tuple_facts(stored[0], visit.request.now) if stored else None,
    }
    return render_store("change.html", facts, visit, store)


def _record(visit: ConsoleVisit, store: AuthorizationStore, operation: WriteRelationships, reason: str = "") -> None:
    (changed,) = operation.writes or operation.deletes
    visit.desk.cx.journal.record(
        Decision(
            action="authz.write",
            allowed=not reason,
            reason=reason or "authz.written_by_person",
            trace=visit.request.trace,
            realm=visit.realm,
            subject=visit.person.account.id,
            checks=(Check("person_decides", True, "the person confirmed it in the console"),),
            facts={
                "store": store.id,
                "tuple": text_of(changed),
                "operation": "write" if operation.writes else "delete",
            },
        )
    )
