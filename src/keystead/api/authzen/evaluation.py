"""Evaluation and evaluations: may this subject do this to that resource?

Shape: `{"decision": true}`; a no has a `context` with the reason, or with an `error` when the question made no sense.
All questions of one request are answered at one state of the store.
Spec: AuthZEN Authorization API 1.0 sections 6 and 7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from keystead.api.authzen.faults import Fault
from keystead.api.authzen.messages import Evaluation, Evaluations, as_message, merged_context
from keystead.authz.decisions import AuthorizationDecision, Conditional
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.errors import InvalidQuery, InvalidRelationship
from keystead.authz.names import WILDCARD, object_name

MOST: Final = 1_000
_DEFAULTS: Final = ("subject", "action", "resource", "context")
EXECUTE_ALL: Final = "execute_all"
_STOPS_AT: Final[Mapping[str, bool | None]] = {
    EXECUTE_ALL: None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
"""By semantic, the decision after which no further question is answered."""

Asking = Callable[[Mapping[str, object]], Evaluator]
"""Returns what answers questions under a context."""


def subject_name(type: str, id: str) -> str:
    """Return the user a subject is. The id `*` is nobody in particular, who has what everybody has.

    Raises: InvalidRelationship when the parts would read as something else put together.
    """
    return f"{object_name(type, '-')[:-1]}{WILDCARD}" if id == WILDCARD else object_name(type, id)


def evaluate(asked: Evaluation, asking: Asking) -> dict[str, Any]:
    """Answer one question. What makes no sense under the model is a no that says so."""
    context = merged_context(
        ("subject", asked.subject.properties),
        ("resource", asked.resource.properties),
        ("action", asked.action.properties),
        context=asked.context,
    )
    try:
        user = subject_name(asked.subject.type, asked.subject.id)
        resource = object_name(asked.resource.type, asked.resource.id)
        decision = asking(context).decide(user, asked.action.name, resource)
    except (InvalidQuery, InvalidRelationship) as error:
        return _failed(str(error))
    return answer_of(decision)


def evaluate_all(asked: Evaluations, asking: Asking) -> dict[str, Any]:
    """Answer several questions, or the one at the top when no others are there. Raises: Fault."""
    defaults = {name: value for name in _DEFAULTS if (value := getattr(asked, name)) is not None}
    if not asked.evaluations:
        return evaluate(_merged(defaults, {}), asking)
    if len(asked.evaluations) > MOST:
        raise Fault(f"one request may have {MOST} evaluations")
    semantic = asked.options.evaluations_semantic if asked.options is not None else EXECUTE_ALL
    if semantic not in _STOPS_AT:
        raise Fault(f"evaluations_semantic is one of {', '.join(_STOPS_AT)}")
    answers: list[dict[str, Any]] = []
    for item in asked.evaluations:
        answers.append(_evaluate_item(defaults, item, asking))
        if answers[-1]["decision"] is _STOPS_AT[semantic]:
            break
    return {"evaluations": answers}


def answer_of(decision: AuthorizationDecision) -> dict[str, Any]:
    """Return a decision as AuthZEN says it."""
    if decision:
        return {"decision": True}
    context: dict[str, Any] = {"reason": getattr(decision, "reason", "")}
    if isinstance(decision, Conditional) and decision.missing:
        context["missing"] = list(decision.missing)
    return {"decision": False, "context": context}


def _evaluate_item(defaults: dict[str, Any], item: object, asking: Asking) -> dict[str, Any]:
    try:
        return evaluate(_merged(defaults, item), asking)
    except Fault as fault:
        return _failed(fault.message)


def _merged(defaults: dict[str, Any], item: object) -> Evaluation:
    """Return a question with what it leaves out taken from the defaults, whole. Raises: Fault."""
    if not isinstance(item, dict):
        raise Fault("an evaluation is a JSON object")
    own = {name: item[name] for name in _DEFAULTS if item.get(name) is not None}
    return as_message(defaults | own, Evaluation)


def _failed(message: str) -> dict[str, Any]:
    return {"decision": False, "context": {"error": {"status": 400, "message": message}}}
