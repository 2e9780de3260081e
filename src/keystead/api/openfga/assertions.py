"""/stores/{store}/assertions/{model}: the questions a model is held to, with the answers they must have.

Shape: `{"assertions": [{"tuple_key", "expectation", "contextual_tuples", "context"}]}`, replaced as a whole.
Spec: openfga `pkg/server/commands/write_assertions.go`.
Does not: run them. `keystead authz test` runs such files.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.api.openfga import rules
from keystead.api.openfga.bodies import Body
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.messages import Assertion, WriteAssertionsRequest
from keystead.api.openfga.service import Call
from keystead.api.openfga.tuple_keys import message_of, problem_of_question, require_accepted, require_tuple_key
from keystead.authz.served import Opened
from keystead.core.http import Reply

_body: Final = Body(WriteAssertionsRequest)
_MOST: Final = 100
_MOST_CONTEXTUAL: Final = 20
_LARGEST: Final = 64_000


async def write_assertions(call: Call) -> Reply:
    """Replace what a model is held to. Raises: ApiFault."""
    asked = _body.read(call.request.body)
    rules.require(rules.ULID, "WriteAssertionsRequest.AuthorizationModelId", call.last)
    too_many = "assertions_too_many_items"
    rules.require_at_most("WriteAssertionsRequest.Assertions", len(asked.assertions), _MOST, too_many)
    for assertion in asked.assertions:
        _require_form(assertion)
    opened = await call.open(call.last, "")
    if len(msgspec.json.encode(asked.assertions)) > _LARGEST:
        raise ApiFault("exceeded_entity_limit", f"The number of bytes exceeds the allowed limit of {_LARGEST}")
    kept = msgspec.json.encode([_kept(opened, assertion) for assertion in asked.assertions]).decode()
    await call.stores.keep_assertions(call.realm, call.store, call.last, kept)
    call.tell("authz.assertions", True, "authz.assertions_written", model=call.last, assertions=len(asked.assertions))
    return Reply(204, call.headers(call.last))


async def read_assertions(call: Call) -> Reply:
    """Return what a model is held to. Raises: ApiFault."""
    rules.require(rules.ULID, "ReadAssertionsRequest.AuthorizationModelId", call.last)
    kept = msgspec.Raw((await call.stores.assertions(call.realm, call.store, call.last)).encode())
    return call.reply({"authorization_model_id": call.last, "assertions": kept})


def _require_form(assertion: Assertion) -> None:
    key = assertion.tuple_key
    if key is None:
        raise rules.missing("Assertion.TupleKey")
    rules.require(rules.OBJECT, "AssertionTupleKey.Object", key.object)
    rules.require(rules.RELATION, "AssertionTupleKey.Relation", key.relation)
    rules.require(rules.USER, "AssertionTupleKey.User", key.user)
    rules.require_at_most("Assertion.ContextualTuples", len(assertion.contextual_tuples), _MOST_CONTEXTUAL)
    for contextual in assertion.contextual_tuples:
        require_tuple_key(contextual)


def _kept(opened: Opened, assertion: Assertion) -> dict[str, object]:
    key = assertion.tuple_key
    assert key is not None
    problem = problem_of_question(opened.plan, key.user, key.relation, key.object)
    if problem:
        raise ApiFault(VALIDATION, problem)
    extra = [require_accepted(opened.plan, each, VALIDATION, VALIDATION) for each in assertion.contextual_tuples]
    return {
        "tuple_key": {"object": key.object, "relation": key.relation, "user": key.user},
        "expectation": assertion.expectation,
        "contextual_tuples": [message_of(each) for each in extra],
        "context": assertion.context,
    }
