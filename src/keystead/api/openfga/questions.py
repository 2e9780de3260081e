"""From a question in a message to the engine's answer: the one place where the API meets the engine.

Spec: openfga `pkg/server/commands/check_command.go`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from time import perf_counter
from typing import Final

from keystead.api.openfga import rules
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.messages import Context, TupleKey
from keystead.api.openfga.service import Call
from keystead.api.openfga.tuple_keys import problem_of_question, require_accepted
from keystead.authz.decisions import AuthorizationDecision, Conditional
from keystead.authz.engine.allowance import OUT_OF_TIME
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.objects import candidates, has
from keystead.authz.engine.overlay import overlaid
from keystead.authz.errors import InvalidQuery, Undecided
from keystead.authz.served import Opened
from keystead.storage.ports import Relationship

TOO_COMPLEX: Final = (
    "Authorization Model resolution required too many rewrite rules to be resolved. Check your authorization model "
    "for infinite recursion or too much nesting"
)
AT_ONCE: Final = 200
"""Objects that are asked about one by one before others get their turn."""
_SLICE: Final = 0.002
"""Seconds before they get it again."""
_BEYOND_LIMITS: Final = {"authz.too_deep": TOO_COMPLEX, OUT_OF_TIME: ""}


def require_question(key: TupleKey | None, place: str) -> TupleKey:
    """Return a question that looks like one. Raises: ApiFault."""
    if key is None:
        raise rules.missing(f"{place}.TupleKey")
    rules.require(rules.USER, "CheckRequestTupleKey.User", key.user)
    rules.require(rules.RELATION, "CheckRequestTupleKey.Relation", key.relation)
    rules.require(rules.OBJECT, "CheckRequestTupleKey.Object", key.object)
    return key


def require_known(opened: Opened, key: TupleKey) -> None:
    """Refuse a question about what the model does not have. Raises: ApiFault."""
    problem = problem_of_question(opened.plan, key.user, key.relation, key.object)
    if problem:
        raise ApiFault(VALIDATION, f"invalid relation: {problem}")


def unknown_to_the_model(opened: Opened, key: TupleKey, refused: InvalidQuery) -> ApiFault:
    """Return the error for a question the engine refused, in OpenFGA's words where it has some."""
    problem = problem_of_question(opened.plan, key.user, key.relation, key.object)
    return ApiFault(VALIDATION, f"invalid relation: {problem}" if problem else str(refused))


def accepted(opened: Opened, keys: Sequence[TupleKey], condition_code: str = VALIDATION) -> tuple[Relationship, ...]:
    """Return contextual tuples that the model would let be written. Raises: ApiFault."""
    return tuple(require_accepted(opened.plan, key, "invalid_tuple", condition_code) for key in keys)


def answer(evaluator: Evaluator, key: TupleKey) -> bool:
    """Return yes or no. A no that compiled code finds is never in doubt. Raises: ApiFault, InvalidQuery."""
    if evaluator.graph.quick(key.user, key.relation, key.object) is False:
        return False
    return definite(evaluator.decide(key.user, key.relation, key.object))


def definite(decision: AuthorizationDecision) -> bool:
    """Return yes or no. Raises: ApiFault for what could not be decided."""
    if isinstance(decision, Conditional):
        raise undecided(decision.reason, decision.detail)
    return bool(decision)


def undecided(reason: str, detail: str) -> ApiFault:
    """Return the error for what could not be decided."""
    if reason in _BEYOND_LIMITS:
        return ApiFault("authorization_model_resolution_too_complex", _BEYOND_LIMITS[reason] or detail)
    return ApiFault(VALIDATION, detail)


def evaluator_over(call: Call, opened: Opened, tuples: Sequence[Relationship], context: Context | None) -> Evaluator:
    """Return what answers questions about the store, the tuples and the context of one request."""
    return Evaluator(
        overlaid(opened.graph, tuples),
        now=call.request.now,
        context=context,
        maximum_depth=call.service.limits.resolution_depth,
        spend=call.spend,
    )


def objects_of(evaluator: Evaluator, asked: tuple[str, str, str], after: str, limit: int) -> Sequence[str] | None:
    """List objects for (type, relation, user), behind `after`, at most `limit` if it is not 0. Raises: ApiFault.

    None: that would take long. Then ask `objects_of_many`.
    """
    type, relation, user = asked
    found = candidates(evaluator, type, relation, user, after)
    if found.certain:
        return found.names[:limit] if limit else found.names
    if len(found.names) > AT_ONCE:
        return None
    return list(islice((each for each in found.names if _has(evaluator, asked, each)), limit or None))


async def objects_of_many(
    evaluator: Evaluator, asked: tuple[str, str, str], after: str, limit: int, give_way: Callable[[], Awaitable[None]]
) -> Sequence[str]:
    """Do the same and give way to others now and then. Raises: ApiFault.

    Whoever calls holds the graph meanwhile, so that all is answered at one revision.
    """
    type, relation, user = asked
    objects: list[str] = []
    until = perf_counter() + _SLICE
    for each in candidates(evaluator, type, relation, user, after).names:
        if _has(evaluator, asked, each):
            objects.append(each)
            if len(objects) == limit:
                break
        if perf_counter() > until:
            await give_way()
            until = perf_counter() + _SLICE
    return objects


def _has(evaluator: Evaluator, asked: tuple[str, str, str], object: str) -> bool:
    _, relation, user = asked
    try:
        return has(evaluator, user, relation, object)
    except Undecided as doubt:
        raise undecided(doubt.decision.reason, doubt.decision.detail) from doubt


def users_of(evaluator: Evaluator, asked: tuple[str, str, str], after: str, limit: int) -> Sequence[str]:
    """List users for (object, relation, filter), behind `after`, at most `limit` if it is not 0. Raises: ApiFault."""
    object, relation, filter = asked
    try:
        return evaluator.list_users(object, relation, filter, after=after, limit=limit)
    except Undecided as doubt:
        raise undecided(doubt.decision.reason, doubt.decision.detail) from doubt
