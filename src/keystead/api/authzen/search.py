"""The three searches: who may, to what may they, and what may they do; each answered page by page.

A result is what an evaluation would say yes to at the same state of the store. Nothing is cut silently: a page that is
not the last names the next. What the model does not know finds nothing.
Spec: AuthZEN Authorization API 1.0 section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from keystead.api.authzen.evaluation import Asking, subject_name
from keystead.api.authzen.messages import ActionSearch, Page, ResourceSearch, SubjectSearch, merged_context
from keystead.api.authzen.page_tokens import PageTokens
from keystead.authz.decisions import Conditional
from keystead.authz.engine.allowance import OUT_OF_TIME, OutOfTime
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.objects import list_objects
from keystead.authz.errors import InvalidQuery, InvalidRelationship, Undecided
from keystead.authz.names import WILDCARD, object_name

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

    def look(after: str, limit: int) -> Found:
        type, resource = asked.subject.type, object_name(asked.resource.type, asked.resource.id)
        return _ids(_subjects(asking(context), resource, asked.action.name, type), type, after)

    return _page(look, asked.page, tokens, lambda id: {"type": asked.subject.type, "id": id})


def search_resources(asked: ResourceSearch, asking: Asking, tokens: PageTokens) -> dict[str, Any]:
    """Return the resources of a type to which the subject may do it. Raises: Fault."""
    context = merged_context(
        ("subject", asked.subject.properties),
        ("resource", asked.resource.properties),
        ("action", asked.action.properties),
        context=asked.context,
    )

    def look(after: str, limit: int) -> Found:
        type, user = asked.resource.type, subject_name(asked.subject.type, asked.subject.id)
        evaluator, relation = asking(context), asked.action.name
        try:
            names: Iterable[str] = list_objects(
                evaluator, type, relation, user, after=f"{type}:{after}" if after else "", limit=limit
            )
        except OutOfTime:
            raise
        except Undecided:
            names = (name for name in sorted(evaluator.graph.objects_of(type)) if _may(evaluator, user, relation, name))
        return _ids(names, type, after)

    return _page(look, asked.page, tokens, lambda id: {"type": asked.resource.type, "id": id})


def search_actions(asked: ActionSearch, asking: Asking, tokens: PageTokens) -> dict[str, Any]:
    """Return what the subject may do to the resource. Raises: Fault."""
    context = merged_context(
        ("subject", asked.subject.properties), ("resource", asked.resource.properties), context=asked.context
    )

    def look(after: str, limit: int) -> Found:
        evaluator, user = asking(context), subject_name(asked.subject.type, asked.subject.id)
        resource = object_name(asked.resource.type, asked.resource.id)
        names = (relation for type, relation in evaluator.graph.plan.slots if type == asked.resource.type)
        for relation in sorted(names):
            if relation > after and _may(evaluator, user, relation, resource):
                yield relation

    return _page(look, asked.page, tokens, lambda name: {"name": name})


def _subjects(evaluator: Evaluator, resource: str, relation: str, type: str) -> Iterable[str]:
    """Return the users of a type for which the answer is yes.

    Where everybody has it, or some hang on a condition, each user that tuples name is asked about.
    """
    everybody = f"{type}:{WILDCARD}"
    try:
        found = evaluator.list_users(resource, relation, type)
    except OutOfTime:
        raise
    except Undecided:
        found = [everybody]
    if everybody not in found:
        return found
    asked = sorted({everybody, *evaluator.graph.objects_of(type)})
    return (name for name in asked if _may(evaluator, name, relation, resource))


def _may(evaluator: Evaluator, user: str, relation: str, object: str) -> bool:
    """Decide; what hangs on a condition is not found, but what there was no time for must not go missing."""
    decision = evaluator.decide(user, relation, object)
    if isinstance(decision, Conditional) and decision.reason == OUT_OF_TIME:
        raise OutOfTime
    return bool(decision)


def _ids(names: Iterable[str], type: str, after: str) -> Found:
    for name in names:
        id = name[len(type) + 1 :]
        if id > after:
            yield id


def _page(
    look: Callable[[str, int], Found], asked: Page | None, tokens: PageTokens, shown: Callable[[str], dict[str, str]]
) -> dict[str, Any]:
    """Return one page of what is found. Raises: Fault."""
    position = tokens.position(asked or Page())
    limit = min(position.limit, LARGEST_PAGE)
    try:
        found = list(islice(look(position.after, limit + 1), limit + 1))
    except (InvalidQuery, InvalidRelationship):
        found = []
    kept = found[:limit]
    more = len(found) > limit
    last = kept[-1] if kept else position.after
    page = {"next_token": tokens.token(last, position.limit) if more else "", "count": len(kept)}
    return {"page": page, "results": [shown(one) for one in kept]}
