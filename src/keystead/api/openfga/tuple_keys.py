"""Tuples and questions in OpenFGA's messages, held against a model with OpenFGA's words.

Flow: `require_tuple_key` looks at the form alone, `problem_of_question` and `require_accepted` at the model too.
Spec: openfga `internal/validation`, `pkg/tuple`.
"""

from __future__ import annotations

import msgspec

from keystead.api.openfga import rules
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.messages import TupleKey, TupleKeys
from keystead.api.openfga.times import milliseconds_in, text_of_seconds
from keystead.authz.engine.plan import Plan
from keystead.authz.errors import InvalidRelationship
from keystead.authz.names import WILDCARD, context_text, parse_object, parse_relation, parse_user
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship


def require_tuple_key(key: TupleKey, message: str = "TupleKey") -> None:
    """Refuse what no tuple looks like. Raises: ApiFault."""
    rules.require_bytes(f"{message}.User", key.user, rules.LONGEST_USER)
    rules.require_if_any(rules.RELATION, f"{message}.Relation", key.relation)
    rules.require_if_any(rules.OBJECT, f"{message}.Object", key.object)
    if key.condition is not None:
        rules.require(rules.CONDITION_NAME, "RelationshipCondition.Name", key.condition.name)


def require_contextual(tuples: TupleKeys | None, most: int) -> tuple[TupleKey, ...]:
    """Return contextual tuples that look like some. Raises: ApiFault."""
    if tuples is None:
        return ()
    rules.require_at_most("ContextualTupleKeys.TupleKeys", len(tuples.tuple_keys), most)
    for key in tuples.tuple_keys:
        require_tuple_key(key)
    return tuples.tuple_keys


def relationship_of(key: TupleKey) -> Relationship:
    """Return the tuple as it is stored. Raises: ApiFault for a time that is none."""
    condition = key.condition
    if condition is None and not key.expires_at:
        return Relationship(key.object, key.relation, key.user)
    context = context_text(condition.context) if condition is not None else ""
    name = condition.name if condition is not None else ""
    return Relationship(key.object, key.relation, key.user, name, context, _expiry(key.expires_at))


def message_of(tuple: Relationship) -> dict[str, object]:
    """Return the TupleKey message of a stored tuple."""
    condition: dict[str, object] | None = None
    if tuple.condition:
        context = msgspec.Raw(tuple.context.encode()) if tuple.context else {}
        condition = {"name": tuple.condition, "context": context}
    key: dict[str, object] = {
        "user": tuple.user,
        "relation": tuple.relation,
        "object": tuple.object,
        "condition": condition,
    }
    return key | ({"expires_at": text_of_seconds(tuple.expires_at)} if tuple.expires_at else {})


def text_of(key: TupleKey) -> str:
    """Return how a tuple is called in errors."""
    return f"{key.object}#{key.relation}@{key.user}"


def invalid(key: TupleKey, reason: str) -> str:
    """Return the message about a tuple that cannot be."""
    named = f" (condition {key.condition.name})" if key.condition is not None else ""
    return f"Invalid tuple '{text_of(key)}{named}'. Reason: {reason}"


def require_accepted(plan: Plan, key: TupleKey, code: str, condition_code: str) -> Relationship:
    """Return a tuple that the model lets be written. Raises: ApiFault, with one code for who and one for conditions."""
    problem = problem_of_question(plan, key.user, key.relation, key.object) or _problem_of_restrictions(plan, key)
    if problem:
        raise ApiFault(code, f"Invalid tuple '{text_of(key)}'. Reason: {problem}")
    tuple = relationship_of(key)
    problem = _problem_of_condition(plan, key, tuple)
    if problem:
        raise ApiFault(condition_code, invalid(key, problem))
    return tuple


def problem_of_question(plan: Plan, user: str, relation: str, object: str) -> str:
    """Say what is wrong with a question, or with the names of a tuple; empty when nothing is."""
    return (
        _problem_of_user(plan, user) or _problem_of_object(plan, object) or _problem_of_relation(plan, relation, object)
    )


def _problem_of_user(plan: Plan, user: str) -> str:
    try:
        subject = parse_user(user)
    except InvalidRelationship:
        if ":" not in user and "#" not in user and user:
            return (
                "the 'user' field must be an object (e.g. document:1) or an 'object#relation' or a typed wildcard "
                "(e.g. group:*)"
            )
        return "the 'user' field is malformed"
    if subject.type not in plan.types:
        return f"type '{subject.type}' not found"
    if subject.relation and (subject.type, subject.relation) not in plan.slots:
        return f"relation '{subject.type}#{subject.relation}' not found"
    return ""


def problem_of_user(plan: Plan, user: str) -> str:
    """Say what is wrong with a user; empty when nothing is."""
    return _problem_of_user(plan, user)


def _problem_of_object(plan: Plan, object: str) -> str:
    type, _, id = object.partition(":")
    if id == WILDCARD:
        return "the 'object' field cannot reference a typed wildcard"
    try:
        parse_object(object)
    except InvalidRelationship:
        return "invalid 'object' field format"
    return "" if type in plan.types else f"type '{type}' not found"


def _problem_of_relation(plan: Plan, relation: str, object: str) -> str:
    try:
        parse_relation(relation)
    except InvalidRelationship:
        return "the 'relation' field is malformed"
    type = object.partition(":")[0]
    return "" if (type, relation) in plan.slots else f"relation '{type}#{relation}' not found"


def _problem_of_restrictions(plan: Plan, key: TupleKey) -> str:
    type, user = key.object.partition(":")[0], parse_user(key.user)
    accepts, place = plan.accepts[plan.slots[type, key.relation]], f"{type}#{key.relation}"
    if user.relation:
        named = (user.type, user.relation) in accepts.usersets
        return "" if named else f"'{user.type}#{user.relation}' is not an allowed type restriction for '{place}'"
    if user.id == WILDCARD:
        named = user.type in accepts.wildcards
        return "" if named else f"the typed wildcard '{key.user}' is not an allowed type restriction for '{place}'"
    return "" if user.type in accepts.types else f"type '{user.type}' is not an allowed type restriction for '{place}'"


def _problem_of_condition(plan: Plan, key: TupleKey, tuple: Relationship) -> str:
    user, slot = parse_user(key.user), plan.slots[key.object.partition(":")[0], key.relation]
    if plan.accepts[slot].allows(user.type, user.relation, user.id == WILDCARD, tuple.condition):
        return _problem_of_context(plan, key)
    if not tuple.condition:
        return "condition is missing"
    known = any(condition.name == tuple.condition for condition in plan.model.conditions)
    return "invalid condition for type restriction" if known else "undefined condition"


def _problem_of_context(plan: Plan, key: TupleKey) -> str:
    condition = key.condition
    try:
        if condition is not None and condition.context:
            plan.conditions[condition.name].check_stored(condition.context)
    except InvalidRelationship as problem:
        return str(problem)
    return ""


def _expiry(text: str) -> EpochSeconds:
    if not text:
        return EpochSeconds(0)
    milliseconds = milliseconds_in(text)
    if milliseconds is None or milliseconds < 1000:
        raise ApiFault(VALIDATION, "invalid TupleKey.ExpiresAt: value must be an RFC 3339 time")
    return EpochSeconds(milliseconds // 1000)
