"""POST /stores/{store}/read: the stored tuples, as they are, a page at a time.

Shape: `{"tuple_key": {"object", "relation", "user"}, "page_size", "continuation_token"}` ->
`{"tuples": [{"key", "timestamp"}], "continuation_token"}`. The object, or a type with a user, must be named.
Spec: openfga `pkg/server/commands/read.go`.
"""

from __future__ import annotations

from typing import Final

from keystead.api.openfga import rules
from keystead.api.openfga.bodies import Body
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.messages import ReadRequest, TupleKey
from keystead.api.openfga.paging import continuation_token, position_of
from keystead.api.openfga.service import Call
from keystead.api.openfga.times import text_of_seconds
from keystead.api.openfga.tuple_keys import message_of
from keystead.core.http import Reply
from keystead.storage.ports import ReadRelationships, Relationship, StoredRelationship

_body: Final = Body(ReadRequest)
_LARGEST_PAGE: Final = 100
_PAGE: Final = 50
_TOO_LITTLE: Final = (
    "the 'tuple_key' field was provided but the object type field is required and both the object id and user cannot "
    "be empty"
)


async def read(call: Call) -> Reply:
    """List stored tuples. Raises: ApiFault."""
    asked = _body.read(call.request.body)
    key = asked.tuple_key or TupleKey()
    _require_key(key)
    limit = rules.require_page_size("ReadRequest.PageSize", asked.page_size, _LARGEST_PAGE, _PAGE)
    rules.require_token("ReadRequest.ContinuationToken", asked.continuation_token)
    if asked.tuple_key is not None:
        type, _, id = key.object.partition(":")
        if ":" not in key.object or not type or not (id or key.user):
            raise ApiFault(VALIDATION, _TOO_LITTLE)
    after = position_of(asked.continuation_token, "read", call.store, 3)
    wanted = ReadRelationships(
        *(call.realm, call.store, key.object, key.relation, key.user),
        after=Relationship(after[0], after[1], after[2]) if after else None,
        limit=limit + 1,
        now=call.request.now,
    )
    found = await call.stores.stored(wanted)
    page = found[:limit]
    following = _token(call, page[-1].relationship) if len(found) > limit else ""
    return call.reply({"tuples": [_message(each) for each in page], "continuation_token": following})


def _require_key(key: TupleKey) -> None:
    rules.require_if_any(rules.READ_USER, "ReadRequestTupleKey.User", key.user)
    rules.require_bytes("ReadRequestTupleKey.User", key.user, rules.LONGEST_USER)
    rules.require_if_any(rules.RELATION, "ReadRequestTupleKey.Relation", key.relation)
    rules.require_if_any(rules.OBJECT, "ReadRequestTupleKey.Object", key.object)


def _token(call: Call, last: Relationship) -> str:
    return continuation_token("read", call.store, last.object, last.relation, last.user)


def _message(stored: StoredRelationship) -> dict[str, object]:
    return {"key": message_of(stored.relationship), "timestamp": text_of_seconds(stored.at)}
