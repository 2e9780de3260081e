"""From a question in a message to the engine's answer: the one place where the API meets the engine.

Spec: openfga `pkg/server/commands/check_command.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from keystead.api.openfga import rules
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.messages import Context, TupleKey
from keystead.api.openfga.service import Call
from keystead.api.openfga.tuple_keys import problem_of_question, require_accepted
from keystead.authz.decisions import AuthorizationDecision, Conditional
from keystead.authz.engine import objects as engine_objects
from keystead.authz.engine.allowance import OUT_OF_TIME
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.overlay import overlaid
from keystead.authz.errors import InvalidQuery, Undecided
from keystead.authz.served import Opened
from keystead.storage.ports import Relationship

TOO_COMPLEX: Final = (
    "Authorization Model resolution required too many rewrite rules to be resolved. Check your authorization model "
    "for infinite recursion or too much nesting"
)
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


def objects_of(evaluator: Evaluator, asked: tuple[str, str, str], after: str, limit: int) -> Sequence[str]:
    """List objects for (type, relation, user), behind `after`, at most `limit` if it is not 0. Raises: ApiFault."""
    type, relation, user = asked
    try:
        objects = [each for each in engine_objects.list_objects(evaluator, type, relation, user) if each > after]
    except Undecided as doubt:
        raise undecided(doubt.decision.reason, doubt.decision.detail) from doubt
    return objects[:limit] if limit else objects


def users_of(evaluator: Evaluator, asked: tuple[str, str, str], after: str, limit: int) -> Sequence[str]:
    """List users for (object, relation, filter), behind `after`, at most `limit` if it is not 0. Raises: ApiFault."""
    object, relation, filter = asked
    try:
        return evaluator.list_users(object, relation, filter, after=after, limit=limit)
    except Undecided as doubt:
        raise undecided(doubt.decision.reason, doubt.decision.detail) from doubt
