"""POST /stores/{store}/check: may the user do this?

Shape: `{"tuple_key": {...}, "contextual_tuples", "context", "trace"}` -> `{"allowed": true, "resolution": ""}`.
With `trace`, `resolution` has the path that proves a yes, or the reason for a no; OpenFGA leaves it empty.
"""

from __future__ import annotations

from typing import Final

from keystead.api.openfga import rules
from keystead.api.openfga.bodies import Body
from keystead.api.openfga.messages import CheckRequest
from keystead.api.openfga.questions import accepted, definite, evaluator_over, require_known, require_question
from keystead.api.openfga.service import Call
from keystead.api.openfga.tuple_keys import require_contextual
from keystead.core.http import Reply

_body: Final = Body(CheckRequest)


async def check(call: Call) -> Reply:
    """Answer one question. Raises: ApiFault."""
    asked = _body.read(call.request.body)
    rules.require_if_any(rules.ULID, "CheckRequest.AuthorizationModelId", asked.authorization_model_id)
    key = require_question(asked.tuple_key, "CheckRequest")
    contextual = require_contextual(asked.contextual_tuples, call.service.limits.contextual_tuples)
    opened = await call.open(asked.authorization_model_id, asked.consistency)
    require_known(opened, key)
    extra = accepted(opened, contextual, "invalid_tuple")
    evaluator = evaluator_over(call, opened, extra, asked.context)
    ask = evaluator.explain if asked.trace else evaluator.decide
    decision = ask(key.user, key.relation, key.object)
    allowed = definite(decision)
    call.tell(
        "authz.check",
        allowed,
        "authz.allowed" if allowed else getattr(decision, "reason", ""),
        user=key.user,
        relation=key.relation,
        object=key.object,
        revision=opened.revision,
    )
    return call.reply({"allowed": allowed, "resolution": str(decision) if asked.trace else ""}, opened.model_id)
