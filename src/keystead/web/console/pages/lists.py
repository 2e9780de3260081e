"""What if, turned round: what may this user reach, and who may do this to that?"""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.authz.engine.objects import list_objects
from keystead.authz.errors import AuthorizationError
from keystead.authz.model import AuthorizationModel
from keystead.core.forms import Line, Word
from keystead.core.http import Reply
from keystead.core.records.authorization import AuthorizationStore
from keystead.web.console.asking import Asked, SuppositionForm, suppose
from keystead.web.console.page import ConsolePage, ConsoleVisit
from keystead.web.console.queries import address, read_query
from keystead.web.console.rendering import Facts, render_store

_PAGE: Final = 100


class ListsQuery(SuppositionForm, frozen=True, kw_only=True):
    """The question. `kind`: `objects` of a `type`, or `users` of a type (`filter`) of an `object`. `after`: a page."""

    kind: Word = "objects"
    user: Line = ""
    relation: Word = ""
    type: Word = ""
    object: Line = ""
    filter: Word = ""
    after: Line = ""


class ListsPage(ConsolePage):
    """Lists objects or users, a page at a time, never cut silently. Changes nothing."""

    name: ClassVar[str] = "lists"
    title: ClassVar[str] = "Who and what"
    place: ClassVar[int] = 5

    async def handle(self, visit: ConsoleVisit, store: AuthorizationStore) -> Reply:
        """Answer one visit."""
        query = read_query(visit.request, ListsQuery)
        facts: Facts = {"query": query, "problem": "", "found": None, "next": ""}
        facts |= {"types": [], "relations": [], "filters": []}
        if store.latest_model:
            model = (await visit.desk.stores.open(visit.realm, store.id)).model
            facts["types"] = [definition.name for definition in model.types if definition.relations]
            facts["filters"] = filters(model)
            facts["relations"] = sorted({each.name for definition in model.types for each in definition.relations})
        if query.relation:
            try:
                found = _find(await suppose(visit, store, query), query)
                facts |= {"found": [_words(name, query) for name in found[:_PAGE]], "next": _next(query, found)}
            except (AuthorizationError, ValueError) as error:
                facts["problem"] = str(error)
        return render_store("lists.html", facts, visit, store)


def filters(model: AuthorizationModel) -> list[str]:
    """Return the kinds of users that can be listed: the types, and the usersets that tuples may name."""
    usersets = {
        f"{who.type}#{who.relation}"
        for definition in model.types
        for relation in definition.relations
        for who in relation.restrictions
        if who.relation
    }
    return [definition.name for definition in model.types] + sorted(usersets)


def _find(asked: Asked, query: ListsQuery) -> list[str]:
    """Return one page and the first of the next."""
    relation = query.relation.strip()
    if query.kind == "users":
        return asked.evaluator.list_users(
            query.object.strip(), relation, query.filter.strip(), after=query.after, limit=_PAGE + 1
        )
    return list_objects(
        asked.evaluator, query.type.strip(), relation, query.user.strip(), after=query.after, limit=_PAGE + 1
    )


def _words(name: str, query: ListsQuery) -> Facts:
    user, object = (name, query.object) if query.kind == "users" else (query.user, name)
    supposed = {"tuples": query.tuples, "without": query.without, "context": query.context, "at": query.at}
    return {"name": name, "why": address("", user=user, relation=query.relation, object=object, **supposed)}


def _next(query: ListsQuery, found: list[str]) -> str:
    if len(found) <= _PAGE:
        return ""
    asked = {name: str(getattr(query, name)) for name in query.__struct_fields__}
    return address("", **{**asked, "after": found[_PAGE - 1]})
