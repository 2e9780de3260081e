"""POST /stores/{store}/write: delete tuples, then write tuples, all or nothing.

Shape: `{"writes": {"tuple_keys", "on_duplicate"}, "deletes": {"tuple_keys", "on_missing"}}` -> `{}`, with the header
`Keystead-Consistency-Token` for reads that must know of it.
Spec: openfga `pkg/server/commands/write.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from keystead.api.openfga import rules
from keystead.api.openfga.bodies import Body
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.messages import Deletes, TupleKey, WriteRequest, Writes
from keystead.api.openfga.service import Call
from keystead.api.openfga.tuple_keys import invalid, require_accepted, require_tuple_key
from keystead.api.state_headers import CONSISTENCY_TOKEN
from keystead.authz.engine.plan import Plan
from keystead.authz.errors import InvalidRelationship
from keystead.authz.names import parse_user
from keystead.authz.served import consistency_token
from keystead.core.http import Reply
from keystead.storage.ports import Relationship, RelationshipsRefused, WriteRelationships

_body: Final = Body(WriteRequest)
_NOTHING: Final = "Invalid input. Make sure you provide at least one write, or at least one delete"
_EITHER: Final = "tuple to be written already existed or the tuple to be deleted did not exist"


async def write(call: Call) -> Reply:
    """Change tuples. Raises: ApiFault."""
    asked = _body.read(call.request.body)
    writes, deletes = _well_formed(asked)
    opened = await call.open(asked.authorization_model_id, "")
    if not (writes or deletes):
        raise ApiFault("invalid_write_input", _NOTHING)
    limits = call.service.limits
    coming = tuple(_written(opened.plan, key, limits.condition_context_bytes) for key in writes)
    going = tuple(_deleted(key) for key in deletes)
    _require_distinct([*deletes, *writes], limits.tuples_per_write)
    ignore_duplicates = _is_ignored("on_duplicate", asked.writes.on_duplicate if asked.writes else "")
    ignore_missing = _is_ignored("on_missing", asked.deletes.on_missing if asked.deletes else "")
    outcome = await call.stores.write(
        WriteRelationships(
            *(call.realm, call.store, coming, going, call.request.now),
            ignore_duplicates=ignore_duplicates,
            ignore_missing=ignore_missing,
        )
    )
    if isinstance(outcome, RelationshipsRefused):
        raise _refusal(outcome, ignore_duplicates)
    call.tell("authz.write", True, "authz.written", writes=len(coming), deletes=len(going), revision=outcome.revision)
    reply = call.reply({}, opened.model_id)
    token = consistency_token(call.store, outcome.revision).encode("ascii")
    return Reply(reply.status, (*reply.headers, (CONSISTENCY_TOKEN, token)), reply.body)


def _well_formed(asked: WriteRequest) -> tuple[Sequence[TupleKey], Sequence[TupleKey]]:
    writes, deletes = asked.writes, asked.deletes
    if writes is not None:
        rules.require_at_least_one("WriteRequestWrites.TupleKeys", len(writes.tuple_keys))
        for key in writes.tuple_keys:
            require_tuple_key(key)
    if deletes is not None:
        rules.require_at_least_one("WriteRequestDeletes.TupleKeys", len(deletes.tuple_keys))
        for key in deletes.tuple_keys:
            require_tuple_key(key, "TupleKeyWithoutCondition")
    rules.require_if_any(rules.ULID, "WriteRequest.AuthorizationModelId", asked.authorization_model_id)
    return (writes or Writes()).tuple_keys, (deletes or Deletes()).tuple_keys


def _written(plan: Plan, key: TupleKey, largest: int) -> Relationship:
    tuple = require_accepted(plan, key, VALIDATION, VALIDATION)
    if key.user == f"{key.object}#{key.relation}":
        raise ApiFault(VALIDATION, invalid(key, "cannot write a tuple that is implicit"))
    size = len(tuple.context.encode())
    if size > largest:
        reason = f"condition context size limit exceeded: {size} bytes exceeds {largest} bytes"
        raise ApiFault(VALIDATION, invalid(key, reason))
    return tuple


def _deleted(key: TupleKey) -> Relationship:
    try:
        parse_user(key.user)
    except InvalidRelationship:
        raise ApiFault(VALIDATION, invalid(key, "the 'user' field is malformed")) from None
    return Relationship(key.object, key.relation, key.user)


def _require_distinct(keys: Sequence[TupleKey], most: int) -> None:
    seen: set[tuple[str, str, str]] = set()
    for key in keys:
        named = (key.object, key.relation, key.user)
        if named in seen:
            raise ApiFault("cannot_allow_duplicate_tuples_in_one_request", f"duplicate tuple in write: {_named(key)}")
        seen.add(named)
    if len(seen) > most:
        raise ApiFault("exceeded_entity_limit", f"The number of write operations exceeds the allowed limit of {most}")


def _is_ignored(option: str, value: str) -> bool:
    if value not in ("", "error", "ignore"):
        raise ApiFault(VALIDATION, f"invalid {option} option: {value}")
    return value == "ignore"


def _refusal(outcome: RelationshipsRefused, ignore_duplicates: bool) -> ApiFault:
    named = _named(outcome.which)
    if outcome.why == "missing":
        message = f"cannot delete a tuple which does not exist: {named}: {_EITHER}"
    elif ignore_duplicates:
        return ApiFault(
            "Aborted",
            "transactional write failed due to conflict: attempted to write a tuple which already exists with a "
            f"different condition: {named}",
        )
    else:
        message = f"cannot write a tuple which already exists: {named}: {_EITHER}"
    return ApiFault("write_failed_due_to_invalid_input", message)


def _named(key: TupleKey | Relationship) -> str:
    return f"user: '{key.user}', relation: '{key.relation}', object: '{key.object}'"
