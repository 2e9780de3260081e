"""GET /stores/{store}/changes: every change of the tuples, oldest first.

Shape: `?type=&page_size=&continuation_token=&start_time=` ->
`{"changes": [{"tuple_key", "operation", "timestamp"}], "continuation_token"}`. The token is always there, and holds
for the type it was made with.
Spec: openfga `pkg/server/commands/read_changes.go`.
"""

from __future__ import annotations

from typing import Final

from keystead.api.openfga import rules
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.paging import continuation_token, invalid_token, position_of
from keystead.api.openfga.queries import Query, query_of
from keystead.api.openfga.service import Call
from keystead.api.openfga.times import milliseconds_in, text_of_seconds
from keystead.api.openfga.tuple_keys import message_of
from keystead.core.http import Reply
from keystead.core.values import EpochSeconds
from keystead.storage.ports import RelationshipChange

_LARGEST_PAGE: Final = 100
_PAGE: Final = 50
_OPERATIONS: Final = {"write": "TUPLE_OPERATION_WRITE", "delete": "TUPLE_OPERATION_DELETE"}
_ANOTHER_TYPE: Final = "The type in the querystring and the continuation token don't match"


async def changes(call: Call) -> Reply:
    """List changes. Raises: ApiFault."""
    query = query_of(call.request, "ReadChangesRequest")
    type = query.text("type")
    rules.require_if_any(rules.CHANGES_TYPE, "ReadChangesRequest.Type", type)
    limit = query.page_size(_LARGEST_PAGE, _PAGE)
    since = _start(query, call.request.now)
    after = _position(call, query.token(), type)
    found = await call.stores.changes(call.realm, call.store, after, limit, type=type, since=0 if after else since)
    last = found[-1].revision if found else after
    following = continuation_token("changes", call.store, str(last), type)
    return call.reply({"changes": [_message(each) for each in found], "continuation_token": following})


def _position(call: Call, token: str, type: str) -> int:
    position = position_of(token, "changes", call.store, 2)
    if not position:
        return 0
    revision, of = position
    if of != type:
        raise ApiFault("query_string_type_continuation_token_mismatch", _ANOTHER_TYPE)
    if not (revision.isascii() and revision.isdecimal()) or len(revision) > 18:
        raise invalid_token()
    return int(revision)


def _start(query: Query, now: EpochSeconds) -> int:
    text = query.text("start_time")
    if not text:
        return 0
    milliseconds = milliseconds_in(text)
    if milliseconds is None:
        raise ApiFault(VALIDATION, f"type mismatch, parameter: start_time, error: {text[:40]!r} is no RFC 3339 time")
    if milliseconds >= (now + 1) * 1000:
        raise ApiFault(VALIDATION, "invalid ReadChangesRequest.StartTime: value must be less than now")
    return max(0, -(-milliseconds // 1000))


def _message(change: RelationshipChange) -> dict[str, object]:
    key = message_of(change.relationship)
    if change.operation == "delete":
        key["condition"] = None
    operation = _OPERATIONS[change.operation]
    return {"tuple_key": key, "operation": operation, "timestamp": text_of_seconds(change.at)}
