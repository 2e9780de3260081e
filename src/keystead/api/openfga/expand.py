"""POST /stores/{store}/expand: what one relation of one object is made of, one level deep.

Shape: `{"tuple_key": {"object", "relation"}, "contextual_tuples"}` -> `{"tree": {"root": {"name", "leaf" | "union" |
"intersection" | "difference"}}}`. A leaf has `users`, `computed` or `tupleToUserset`.
Spec: openfga `pkg/server/commands/expand.go`.
"""

from __future__ import annotations

from typing import Final

from keystead.api.openfga import rules
from keystead.api.openfga.bodies import Body
from keystead.api.openfga.expansion import node_of
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.messages import ExpandRequest
from keystead.api.openfga.questions import accepted, evaluator_over
from keystead.api.openfga.service import Call
from keystead.api.openfga.tuple_keys import problem_of_question, require_contextual
from keystead.core.http import Reply

_body: Final = Body(ExpandRequest)


async def expand(call: Call) -> Reply:
    """Take a userset apart. Raises: ApiFault."""
    asked = _body.read(call.request.body)
    rules.require_if_any(rules.ULID, "ExpandRequest.AuthorizationModelId", asked.authorization_model_id)
    key = asked.tuple_key
    if key is None:
        raise rules.missing("ExpandRequest.TupleKey")
    rules.require_if_any(rules.RELATION, "ExpandRequestTupleKey.Relation", key.relation)
    rules.require_if_any(rules.OBJECT, "ExpandRequestTupleKey.Object", key.object)
    contextual = require_contextual(asked.contextual_tuples, call.service.limits.contextual_tuples)
    opened = await call.open(asked.authorization_model_id, asked.consistency)
    if not (key.object and key.relation):
        message = "Invalid input. Make sure you provide an object and a relation"
        raise ApiFault("invalid_expand_input", message)
    extra = accepted(opened, contextual)
    someone = f"{min(opened.plan.types)}:-"
    problem = problem_of_question(opened.plan, someone, key.relation, key.object)
    if problem:
        raise ApiFault(VALIDATION, problem)
    root = node_of(evaluator_over(call, opened, extra, None).expand(key.object, key.relation))
    call.tell("authz.expand", True, "authz.answered", object=key.object, relation=key.relation)
    return call.reply({"tree": {"root": root}}, opened.model_id)
