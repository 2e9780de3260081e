"""What if: may this user do this to that, with these tuples more and those less, under this context, at that time?"""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.authz.decisions import Allowed, AuthorizationDecision, Conditional, Denied, Step
from keystead.authz.errors import AuthorizationError
from keystead.authz.model import AuthorizationModel
from keystead.authz.moments import moment
from keystead.authz.tuple_lines import tuple_line
from keystead.core.forms import Line, Word
from keystead.core.http import Reply
from keystead.core.records.authorization import AuthorizationStore
from keystead.storage.ports import ReadRelationships
from keystead.web.console.asking import Asked, SuppositionForm, suppose
from keystead.web.console.page import ConsolePage, ConsoleVisit
from keystead.web.console.queries import read_query
from keystead.web.console.rendering import Facts, render_store
from keystead.web.drawing.object_sketch import objects_of, sketch_objects
from keystead.web.drawing.picture import draw

_NEAR: Final = 6
"""How many tuples of each object on the way are drawn beside it."""
_DEEPEST: Final = 3


class CheckQuery(SuppositionForm, frozen=True, kw_only=True):
    """The question."""

    user: Line = ""
    relation: Word = ""
    object: Line = ""


class CheckPage(ConsolePage):
    """Answers one question, with the way that grants or the reason nothing does. Changes nothing."""

    name: ClassVar[str] = "check"
    title: ClassVar[str] = "What if"
    place: ClassVar[int] = 4

    async def handle(self, visit: ConsoleVisit, store: AuthorizationStore) -> Reply:
        """Answer one visit."""
        query = read_query(visit.request, CheckQuery)
        facts: Facts = {"query": query, "problem": "", "answer": None, "relations": await _relations(visit, store)}
        question = (query.user.strip(), query.relation.strip(), query.object.strip())
        if any(question):
            try:
                asked = await suppose(visit, store, query)
                decision = asked.evaluator.explain(*question)
                facts |= await _answer(visit, store, asked, question, decision)
            except (AuthorizationError, ValueError) as error:
                facts["problem"] = str(error)
        return render_store("check.html", facts, visit, store)


async def _answer(
    visit: ConsoleVisit,
    store: AuthorizationStore,
    asked: Asked,
    question: tuple[str, str, str],
    decision: AuthorizationDecision,
) -> Facts:
    near = [each for each in asked.extra if each.object in objects_of(question, decision)]
    gone = {(each.object, each.relation, each.user) for each in asked.without}
    for object in objects_of(question, decision):
        found = await visit.desk.stores.read(ReadRelationships(visit.realm, store.id, object, limit=_NEAR))
        near += [each for each in found if (each.object, each.relation, each.user) not in gone]
    added = {(each.object, each.relation, each.user) for each in asked.extra}
    return {
        "answer": _words(decision),
        "steps": [_step(step, added) for step in decision.path] if isinstance(decision, Allowed) else [],
        "looked_at": decision.looked_at if isinstance(decision, Denied) else (),
        "missing": decision.missing if isinstance(decision, Conditional) else (),
        "picture": draw(sketch_objects(question, decision, near)),
        "question": question,
        "revision": asked.revision,
        "at": moment(asked.now),
    }


def _words(decision: AuthorizationDecision) -> Facts:
    if isinstance(decision, Allowed):
        return {"kind": "yes", "title": "Yes", "reason": "", "detail": ""}
    kind, title = ("open", "It depends") if isinstance(decision, Conditional) else ("no", "No")
    return {"kind": kind, "title": title, "reason": decision.reason, "detail": decision.detail}


def _step(step: Step, added: set[tuple[str, str, str]]) -> Facts:
    key = (step.tuple.object, step.tuple.relation, step.tuple.user) if step.tuple else ("", "", "")
    return {
        "words": str(step).strip().removeprefix(f"{step.has}: "),
        "has": step.has,
        "depth": min(step.depth, _DEEPEST),
        "tuple": tuple_line(step.tuple) if step.tuple else "",
        "supposed": key in added,
    }


async def _relations(visit: ConsoleVisit, store: AuthorizationStore) -> list[str]:
    """Return every relation's name, for the list under the field."""
    if not store.latest_model:
        return []
    model: AuthorizationModel = (await visit.desk.stores.open(visit.realm, store.id)).model
    return sorted({relation.name for definition in model.types for relation in definition.relations})
