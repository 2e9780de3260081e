"""What changed in a store, the newest first: when, and by whom where that is known."""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.authz.moments import moment
from keystead.core.forms import Form, Word
from keystead.core.http import Reply
from keystead.core.records.authorization import AuthorizationStore
from keystead.storage.ports import RelationshipChange, relationship_revision
from keystead.web.console.notes import who_changed
from keystead.web.console.page import ConsolePage, ConsoleVisit
from keystead.web.console.pages.tuples import tuple_facts
from keystead.web.console.queries import read_query
from keystead.web.console.rendering import render_store

_SPAN: Final = 50
"""How many revisions a page goes back."""
_MOST: Final = 500


class ChangesQuery(Form, frozen=True, kw_only=True):
    """`before`: the first revision of the page before."""

    before: Word = ""


class ChangesPage(ConsolePage):
    """Lists changes; each has a revision of its own."""

    name: ClassVar[str] = "changes"
    title: ClassVar[str] = "Changes"
    place: ClassVar[int] = 3

    async def handle(self, visit: ConsoleVisit, store: AuthorizationStore) -> Reply:
        """Answer one visit."""
        query = read_query(visit.request, ChangesQuery)
        cx = visit.desk.cx
        newest = await cx.store.read(relationship_revision(visit.realm, store.id))
        top = min(newest, int(query.before) - 1) if query.before.isdecimal() and len(query.before) < 16 else newest
        start = max(0, top - _SPAN)
        changes = await self._between(visit, store, start, top)
        who = await cx.store.read(
            who_changed(visit.realm, store.id, {each.revision for each in changes}, visit.request.now)
        )
        facts = {
            "changes": [_words(each, who, visit.request.now) for each in reversed(changes)],
            "next": str(start + 1) if start > 0 else "",
            "first": top == newest,
            "revision": newest,
        }
        return render_store("changes.html", facts, visit, store)

    async def _between(
        self, visit: ConsoleVisit, store: AuthorizationStore, start: int, top: int
    ) -> list[RelationshipChange]:
        """Return the changes after one revision up to another, oldest first."""
        found: list[RelationshipChange] = []
        after = start
        while after < top:
            page = await visit.desk.stores.changes(visit.realm, store.id, after, _MOST)
            found += [each for each in page if each.revision <= top]
            if len(page) < _MOST or page[-1].revision == after:
                break
            after = page[-1].revision
        return found


def _words(change: RelationshipChange, who: dict[int, str], now: int) -> dict[str, object]:
    return {
        **tuple_facts(change.relationship, now),
        "revision": change.revision,
        "written": change.operation == "write",
        "at": moment(change.at),
        "who": who.get(change.revision, ""),
    }
