"""The tuples of a store: filtered, a page at a time, and the form for a new one."""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.authz.moments import moment
from keystead.core.forms import Form, Line, Word
from keystead.core.http import Reply
from keystead.core.records.authorization import AuthorizationStore
from keystead.storage.ports import ReadRelationships, Relationship
from keystead.web.console.change_form import ChangeForm
from keystead.web.console.page import ConsolePage, ConsoleVisit
from keystead.web.console.queries import address, read_query
from keystead.web.console.rendering import render_store

_PAGE: Final = 50


class TuplesQuery(Form, frozen=True, kw_only=True):
    """The filters, and where the page before ended. `object` ending in `:` is every object of that type."""

    object: Line = ""
    relation: Word = ""
    user: Line = ""
    after_object: Line = ""
    after_relation: Word = ""
    after_user: Line = ""
    done: Word = ""


class TuplesPage(ConsolePage):
    """Lists tuples."""

    name: ClassVar[str] = "tuples"
    title: ClassVar[str] = "Tuples"
    place: ClassVar[int] = 2

    async def handle(self, visit: ConsoleVisit, store: AuthorizationStore) -> Reply:
        """Answer one visit."""
        query = read_query(visit.request, TuplesQuery)
        after = Relationship(query.after_object, query.after_relation, query.after_user)
        found = await visit.desk.stores.read(
            ReadRelationships(
                visit.realm,
                store.id,
                query.object.strip(),
                query.relation.strip(),
                query.user.strip(),
                after if after.object else None,
                _PAGE + 1,
            )
        )
        facts = {
            "query": query,
            "form": ChangeForm(),
            "filtered": bool(query.object or query.relation or query.user),
            "tuples": [tuple_facts(each, visit.request.now) for each in found[:_PAGE]],
            "next": _next(query, found[_PAGE - 1]) if len(found) > _PAGE else "",
            "first": not query.after_object,
            "done": {"added": "The tuple was written.", "deleted": "The tuple was deleted."}.get(query.done, ""),
        }
        return render_store("tuples.html", facts, visit, store)


def tuple_facts(tuple: Relationship, now: int) -> dict[str, object]:
    """Return what a page shows of a tuple."""
    return {
        "object": tuple.object,
        "relation": tuple.relation,
        "user": tuple.user,
        "condition": tuple.condition,
        "context": tuple.context,
        "expires": moment(tuple.expires_at),
        "expired": bool(tuple.expires_at) and tuple.expires_at <= now,
    }


def _next(query: TuplesQuery, last: Relationship) -> str:
    return address(
        "",
        object=query.object,
        relation=query.relation,
        user=query.user,
        after_object=last.object,
        after_relation=last.relation,
        after_user=last.user,
    )
