"""The three searches: who may, to what may they, and what may they do; each answered page by page.

A result is what an evaluation would say yes to at the same state of the store. Nothing is cut silently: a page that is
not the last names the next. What the model does not know finds nothing.
Spec: AuthZEN Authorization API 1.0 section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from keystead.api.authzen.evaluation import Asking, subject_name
from keystead.api.authzen.messages import ActionSearch, Page, ResourceSearch, SubjectSearch, merged_context
from keystead.api.authzen.page_tokens import PageTokens
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.objects import list_objects
from keystead.authz.errors import InvalidQuery, InvalidRelationship, Undecided
from keystead.authz.names import object_name

LARGEST_PAGE: Final = 1_000
Found = Iterator[str]


def search_subjects(asked: SubjectSearch, asking: Asking, tokens: PageTokens) -> dict[str, Any]:
    """Return the subjects of a type that may. Raises: Fault."""
    context = merged_context(
        ("subject", asked.subject.properties),
        ("resource", asked.resource.properties),
        ("action", asked.action.properties),
        context=asked.context,
    )

    def look(after: str) -> Found:
        type, evaluator = asked.subject.type, asking(context)
        resource = object_name(asked.resource.type, asked.resource.id)
        evaluator.decide(subject_name(type, "-"), asked.action.name, resource)
        for name in evaluator.graph.objects_of(type):
            id = name[len(type) + 1 :]
            if id > after and evaluator.decide(name, asked.action.name, resource):
                yield id

    return _page(look, asked.page, tokens, lambda id: {"type": asked.subject.type, "id": id})


def search_resources(asked: ResourceSearch, asking: Asking, tokens: PageTokens) -> dict[str, Any]:
    """Return the resources of a type to which the subject may do it. Raises: Fault."""
    context = merged_context(
        ("subject", asked.subject.properties),
        ("resource", asked.resource.properties),
        ("action", asked.action.properties),
        context=asked.context,
    )

    def look(after: str) -> Found:
        type, user = asked.resource.type, subject_name(asked.subject.type, asked.subject.id)
        for name in _objects(asking(context), type, asked.action.name, user):
            id = name[len(type) + 1 :]
            if id > after:
                yield id

    return _page(look, asked.page, tokens, lambda id: {"type": asked.resource.type, "id": id})


def search_actions(asked: ActionSearch, asking: Asking, tokens: PageTokens) -> dict[str, Any]:
    """Return what the subject may do to the resource. Raises: Fault."""
    context = merged_context(
        ("subject", asked.subject.properties), ("resource", asked.resource.properties), context=asked.context
    )

    def look(after: str) -> Found:
        evaluator, user = asking(context), subject_name(asked.subject.type, asked.subject.id)
        resource = object_name(asked.resource.type, asked.resource.id)
        names = (relation for type, relation in evaluator.graph.plan.slots if type == asked.resource.type)
        for relation in sorted(names):
            if relation > after and evaluator.decide(user, relation, resource):
                yield relation

    return _page(look, asked.page, tokens, lambda name: {"name": name})


def _objects(evaluator: Evaluator, type: str, relation: str, user: str) -> list[str]:
    """Return the objects for which the answer is yes; where some hang on a condition, ask about each."""
    try:
        return list_objects(evaluator, type, relation, user)
    except Undecided:
        names = sorted(evaluator.graph.objects_of(type))
        return [name for name in names if evaluator.decide(user, relation, name)]


def _page(
    look: Callable[[str], Found], asked: Page | None, tokens: PageTokens, shown: Callable[[str], dict[str, str]]
) -> dict[str, Any]:
    """Return one page of what is found. Raises: Fault."""
    position = tokens.position(asked or Page())
    limit = min(position.limit, LARGEST_PAGE)
    try:
        found = list(islice(look(position.after), limit + 1))
    except (InvalidQuery, InvalidRelationship):
        found = []
    kept = found[:limit]
    more = len(found) > limit
    last = kept[-1] if kept else position.after
    page = {"next_token": tokens.token(last, position.limit) if more else "", "count": len(kept)}
    return {"page": page, "results": [shown(one) for one in kept]}
