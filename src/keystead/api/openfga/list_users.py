"""POST /stores/{store}/list-users: who has the relation to the object?

Shape: `{"object": {"type", "id"}, "relation", "user_filters": [{"type", "relation"}], "contextual_tuples": [...]}` ->
`{"users": [{"object": {"type", "id"}} | {"userset": {"type", "id", "relation"}} | {"wildcard": {"type"}}]}`.
Contextual tuples are a plain list here. Whole unless `page_size` (ours) asks for a page, as in list-objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from keystead.api.openfga import rules
from keystead.api.openfga.bodies import Body
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.list_objects import require_relation
from keystead.api.openfga.messages import ListUsersRequest, ObjectMessage
from keystead.api.openfga.paging import continuation_token, position_of
from keystead.api.openfga.questions import accepted, evaluator_over, users_of
from keystead.api.openfga.service import Call
from keystead.api.openfga.tuple_keys import problem_of_question, require_tuple_key
from keystead.authz.names import WILDCARD, parse_user
from keystead.core.http import Reply

_body: Final = Body(ListUsersRequest)
_LARGEST_PAGE: Final = 1_000
_MESSAGE: Final = "ListUsersRequest"


async def list_users(call: Call) -> Reply:
    """Answer with every user, or with a page of them. Raises: ApiFault."""
    asked = _body.read(call.request.body)
    object = _well_formed(call, asked)
    size = rules.require_page_size(f"{_MESSAGE}.PageSize", asked.page_size, _LARGEST_PAGE, 0)
    rules.require_token(f"{_MESSAGE}.ContinuationToken", asked.continuation_token)
    (after,) = position_of(asked.continuation_token, "users", call.store, 1) or ("",)
    opened = await call.open(asked.authorization_model_id, asked.consistency)
    extra = accepted(opened, asked.contextual_tuples)
    (filter,) = asked.user_filters
    if filter.relation:
        require_relation(opened, filter.type, filter.relation)
    elif filter.type not in opened.plan.types:
        raise ApiFault("type_not_found", f"type '{filter.type}' not found")
    require_relation(opened, object.type, asked.relation)
    name = f"{object.type}:{object.id}"
    problem = problem_of_question(opened.plan, f"{filter.type}:-", asked.relation, name)
    if problem:
        raise ApiFault(VALIDATION, problem)
    evaluator = evaluator_over(call, opened, extra, asked.context)
    wanted = f"{filter.type}#{filter.relation}" if filter.relation else filter.type
    users = users_of(evaluator, (name, asked.relation, wanted), after, size + 1 if size else 0)
    facts = {"object": name, "relation": asked.relation, "filter": wanted, "revision": opened.revision}
    call.tell("authz.list_users", True, "authz.answered", **facts)
    return call.reply(_document(call, asked, users, size), opened.model_id)


def _document(call: Call, asked: ListUsersRequest, users: Sequence[str], size: int) -> dict[str, object]:
    page = users[:size] if size else users
    document: dict[str, object] = {"users": [_message(user) for user in page]}
    if size or asked.continuation_token:
        more = size and len(users) > size
        document["continuation_token"] = continuation_token("users", call.store, page[-1]) if more else ""
    return document


def _well_formed(call: Call, asked: ListUsersRequest) -> ObjectMessage:
    rules.require_if_any(rules.ULID, f"{_MESSAGE}.AuthorizationModelId", asked.authorization_model_id)
    object = asked.object
    if object is None:
        raise rules.missing(f"{_MESSAGE}.Object")
    rules.require(rules.TYPE, "Object.Type", object.type)
    rules.require(rules.OBJECT_ID, "Object.Id", object.id)
    rules.require(rules.RELATION, f"{_MESSAGE}.Relation", asked.relation)
    if len(asked.user_filters) != 1:
        raise ApiFault(VALIDATION, f"invalid {_MESSAGE}.UserFilters: value must contain exactly 1 item(s)")
    rules.require(rules.TYPE, "UserTypeFilter.Type", asked.user_filters[0].type)
    rules.require_if_any(rules.RELATION, "UserTypeFilter.Relation", asked.user_filters[0].relation)
    most = call.service.limits.contextual_tuples
    rules.require_at_most(f"{_MESSAGE}.ContextualTuples", len(asked.contextual_tuples), most)
    for key in asked.contextual_tuples:
        require_tuple_key(key)
    return object


def _message(user: str) -> dict[str, object]:
    subject = parse_user(user)
    if subject.relation:
        return {"userset": {"type": subject.type, "id": subject.id, "relation": subject.relation}}
    if subject.id == WILDCARD:
        return {"wildcard": {"type": subject.type}}
    return {"object": {"type": subject.type, "id": subject.id}}
