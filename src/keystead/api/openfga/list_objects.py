"""POST /stores/{store}/list-objects and /streamed-list-objects: to which objects has the user the relation?

Shape: `{"type", "relation", "user", "contextual_tuples", "context"}` -> `{"objects": ["document:1", ...]}`, or a line
`{"result": {"object": "document:1"}}` for each. The answer is whole, in bytewise order, unless `page_size` (ours) asks
for a page: then `continuation_token` is in the answer, empty at the end, and goes back in the next request.
Where every object must be asked about and they are many, others are served in between, and long lists one by one.
Does not: stop at 1,000 objects or after three seconds, as OpenFGA does without saying so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from keystead.api.openfga import rules
from keystead.api.openfga.bodies import Body
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.messages import ListObjectsRequest
from keystead.api.openfga.paging import continuation_token, position_of
from keystead.api.openfga.questions import accepted, evaluator_over, objects_of, objects_of_many
from keystead.api.openfga.service import Call
from keystead.api.openfga.tuple_keys import problem_of_user, require_contextual
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.served import Opened
from keystead.core.http import Reply, StreamedReply

_body: Final = Body(ListObjectsRequest)
_encoder: Final = msgspec.json.Encoder()
_LARGEST_PAGE: Final = 1_000
_LINES: Final = 200
NDJSON: Final = (b"content-type", b"application/json")
"""What OpenFGA's gateway calls it, although it is lines of JSON."""


async def list_objects(call: Call) -> Reply:
    """Answer with every object, or with a page of them. Raises: ApiFault."""
    asked = _well_formed(call, "ListObjectsRequest")
    size = rules.require_page_size("ListObjectsRequest.PageSize", asked.page_size, _LARGEST_PAGE, 0)
    rules.require_token("ListObjectsRequest.ContinuationToken", asked.continuation_token)
    (after,) = position_of(asked.continuation_token, "objects", call.store, 1) or ("",)
    opened, objects = await _answer(call, asked, after, size + 1 if size else 0)
    page = objects[:size] if size else objects
    document: dict[str, object] = {"objects": page}
    if size or asked.continuation_token:
        more = size and len(objects) > size
        document["continuation_token"] = continuation_token("objects", call.store, page[-1]) if more else ""
    return call.reply(document, opened.model_id)


async def streamed_list_objects(call: Call) -> Reply:
    """Answer with one line for each object. Raises: ApiFault."""
    asked = _well_formed(call, "StreamedListObjectsRequest")
    opened, objects = await _answer(call, asked, "", 0)
    return StreamedReply(200, (NDJSON, *call.headers(opened.model_id)), parts=_lines(objects))


async def _lines(objects: Sequence[str]) -> AsyncIterator[bytes]:
    """Yield the lines, some at a time, so that neither a slow reader nor a long list holds up others."""
    for start in range(0, len(objects), _LINES):
        yield _encoder.encode_lines([{"result": {"object": each}} for each in objects[start : start + _LINES]])
        await asyncio.sleep(0)


def _well_formed(call: Call, message: str) -> ListObjectsRequest:
    asked = _body.read(call.request.body)
    rules.require_if_any(rules.ULID, f"{message}.AuthorizationModelId", asked.authorization_model_id)
    rules.require(rules.TYPE, f"{message}.Type", asked.type)
    rules.require(rules.RELATION, f"{message}.Relation", asked.relation)
    rules.require_bytes(f"{message}.User", asked.user, rules.LONGEST_USER, 1)
    require_contextual(asked.contextual_tuples, call.service.limits.contextual_tuples)
    return asked


async def _answer(call: Call, asked: ListObjectsRequest, after: str, limit: int) -> tuple[Opened, Sequence[str]]:
    question = (asked.type, asked.relation, asked.user)
    opened, evaluator = await _open(call, asked)
    objects = objects_of(evaluator, question, after, limit)
    if objects is None:
        async with call.stores.long_questions:  # opened anew: who waits holds nothing
            call.allowance = None
            opened, evaluator = await _open(call, asked)
            held = opened.hold()
            objects = await objects_of_many(evaluator, question, after, limit, call.give_way)
            del held
    facts = {"user": asked.user, "relation": asked.relation, "type": asked.type, "revision": opened.revision}
    call.tell("authz.list_objects", True, "authz.answered", **facts)
    return opened, objects


async def _open(call: Call, asked: ListObjectsRequest) -> tuple[Opened, Evaluator]:
    opened = await call.open(asked.authorization_model_id, asked.consistency)
    extra = accepted(opened, asked.contextual_tuples.tuple_keys if asked.contextual_tuples else ())
    require_relation(opened, asked.type, asked.relation)
    problem = problem_of_user(opened.plan, asked.user)
    if problem:
        raise ApiFault(VALIDATION, f"invalid 'user' value: {problem}")
    return opened, evaluator_over(call, opened, extra, asked.context)


def require_relation(opened: Opened, type: str, relation: str) -> None:
    """Refuse a type or relation that the model does not have. Raises: ApiFault."""
    if type not in opened.plan.types:
        raise ApiFault("type_not_found", f"type '{type}' not found")
    if (type, relation) not in opened.plan.slots:
        raise ApiFault("relation_not_found", f"relation '{type}#{relation}' not found")
