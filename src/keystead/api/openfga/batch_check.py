"""POST /stores/{store}/batch-check: many questions at one revision, each with its own answer or error.

Shape: `{"checks": [{"tuple_key", "contextual_tuples", "context", "correlation_id"}]}` ->
`{"result": {"<correlation id>": {"allowed": true} | {"error": {"input_error", "message"}}}}`.
Does not: share an answer between two items, however alike they look (CVE-2026-34972).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from keystead.api.openfga import rules
from keystead.api.openfga.bodies import Body
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.messages import BatchCheckRequest, BatchItem
from keystead.api.openfga.questions import (
    accepted,
    answer,
    evaluator_over,
    require_known,
    require_question,
    unknown_to_the_model,
)
from keystead.api.openfga.service import Call
from keystead.api.openfga.tuple_keys import require_contextual
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.errors import InvalidQuery
from keystead.authz.served import Opened
from keystead.core.http import Reply

_body: Final = Body(BatchCheckRequest)
_YES: Final[dict[str, object]] = {"allowed": True}
_NO: Final[dict[str, object]] = {"allowed": False}


async def batch_check(call: Call) -> Reply:
    """Answer many questions. Raises: ApiFault for the request as a whole."""
    asked = _body.read(call.request.body)
    rules.require_if_any(rules.ULID, "BatchCheckRequest.AuthorizationModelId", asked.authorization_model_id)
    rules.require_at_least_one("BatchCheckRequest.Checks", len(asked.checks))
    for item in asked.checks:
        _require_item(item, call.service.limits.contextual_tuples)
    opened = await call.open(asked.authorization_model_id, asked.consistency)
    _require_batch(asked.checks, call.service.limits.checks_per_batch)
    plainly = evaluator_over(call, opened, (), None)
    results = {item.correlation_id: _result(call, opened, item, plainly) for item in asked.checks}
    allowed = sum(each.get("allowed") is True for each in results.values())
    facts = {"checks": len(results), "allowed": allowed, "revision": opened.revision}
    call.tell("authz.batch_check", True, "authz.answered", **facts)
    return call.reply({"result": results}, opened.model_id)


def _require_item(item: BatchItem, most: int) -> None:
    require_question(item.tuple_key, "BatchCheckItem")
    require_contextual(item.contextual_tuples, most)
    rules.require(rules.CORRELATION_ID, "BatchCheckItem.CorrelationId", item.correlation_id)


def _require_batch(items: Sequence[BatchItem], most: int) -> None:
    if len(items) > most:
        raise ApiFault(VALIDATION, f"batchCheck received {len(items)} checks, the maximum allowed is {most}")
    seen: set[str] = set()
    for item in items:
        if item.correlation_id in seen:
            raise ApiFault(VALIDATION, f"received duplicate correlation id: {item.correlation_id}")
        seen.add(item.correlation_id)


def _result(call: Call, opened: Opened, item: BatchItem, plainly: Evaluator) -> dict[str, object]:
    key = item.tuple_key
    assert key is not None
    try:
        if item.contextual_tuples or item.context:
            require_known(opened, key)
            contextual = item.contextual_tuples.tuple_keys if item.contextual_tuples else ()
            extra = accepted(opened, contextual, "invalid_tuple")
            plainly = evaluator_over(call, opened, extra, item.context)
        return _YES if answer(plainly, key) else _NO
    except ApiFault as fault:
        return _error(fault)
    except InvalidQuery as unknown:
        return _error(unknown_to_the_model(opened, key, unknown))


def _error(fault: ApiFault) -> dict[str, object]:
    return {"error": {"input_error": fault.code, "message": fault.message}}
