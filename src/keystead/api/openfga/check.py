"""POST /stores/{store}/check: may the user do this?

Shape: `{"tuple_key": {...}, "contextual_tuples", "context", "trace"}` -> `{"allowed": true, "resolution": ""}`.
With `trace`, `resolution` has the path that proves a yes, or the reason for a no; OpenFGA leaves it empty.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.api.openfga import rules
from keystead.api.openfga.bodies import Body
from keystead.api.openfga.messages import CheckRequest, TupleKey
from keystead.api.openfga.questions import (
    accepted,
    definite,
    evaluator_over,
    require_known,
    require_question,
    unknown_to_the_model,
)
from keystead.api.openfga.service import Call
from keystead.api.openfga.tuple_keys import require_contextual
from keystead.authz.decisions import AuthorizationDecision, Denied
from keystead.authz.errors import InvalidQuery
from keystead.authz.served import Opened
from keystead.core.http import JSON, Reply

_body: Final = Body(CheckRequest)
_YES: Final = b'{"allowed":true,"resolution":""}'
_NO: Final = b'{"allowed":false,"resolution":""}'


async def check(call: Call) -> Reply:
    """Answer one question. Raises: ApiFault."""
    asked = _body.read(call.request.body)
    rules.require_if_any(rules.ULID, "CheckRequest.AuthorizationModelId", asked.authorization_model_id)
    key = require_question(asked.tuple_key, "CheckRequest")
    contextual = require_contextual(asked.contextual_tuples, call.service.limits.contextual_tuples)
    opened = await call.open(asked.authorization_model_id, asked.consistency)
    if contextual:
        require_known(opened, key)
    evaluator = evaluator_over(call, opened, accepted(opened, contextual, "invalid_tuple"), asked.context)
    ask = evaluator.explain if asked.trace else evaluator.decide
    try:
        decision = ask(key.user, key.relation, key.object)
    except InvalidQuery as refused:
        raise unknown_to_the_model(opened, key, refused) from refused
    allowed = definite(decision)
    _tell(call, key, opened, decision)
    headers = (JSON, *call.headers(opened.model_id))
    if asked.trace:
        return Reply(200, headers, msgspec.json.encode({"allowed": allowed, "resolution": str(decision)}))
    return Reply(200, headers, _YES if allowed else _NO)


def _tell(call: Call, key: TupleKey, opened: Opened, decision: AuthorizationDecision) -> None:
    call.tell(
        "authz.check",
        bool(decision),
        decision.reason if isinstance(decision, Denied) else "authz.allowed",
        user=key.user,
        relation=key.relation,
        object=key.object,
        revision=opened.revision,
    )
