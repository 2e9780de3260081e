"""The messages of OpenFGA's API, as far as they are requests.

Spec: openfga/v1/openfga_service.proto, openfga.proto.
Does not: hold rules; the endpoints do, in the order of OpenFGA's.
"""

from __future__ import annotations

from typing import Any

import msgspec

Context = dict[str, Any]


class Condition(msgspec.Struct, frozen=True):
    """The condition of a tuple, and what of its context is stored with it."""

    name: str = ""
    context: Context | None = None


class TupleKey(msgspec.Struct, frozen=True):
    """A tuple. `expires_at` is ours: an RFC 3339 time from which on it counts no longer."""

    user: str = ""
    relation: str = ""
    object: str = ""
    condition: Condition | None = None
    expires_at: str = ""


class TupleKeys(msgspec.Struct, frozen=True):
    """Contextual tuples."""

    tuple_keys: tuple[TupleKey, ...] = ()


class Writes(msgspec.Struct, frozen=True):
    """Tuples to write, and what happens to one that is there already: `error` or `ignore`."""

    tuple_keys: tuple[TupleKey, ...] = ()
    on_duplicate: str = ""


class Deletes(msgspec.Struct, frozen=True):
    """Tuples to delete, and what happens to one that is not there: `error` or `ignore`."""

    tuple_keys: tuple[TupleKey, ...] = ()
    on_missing: str = ""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What every question has: which model, and how new the tuples must be."""

    authorization_model_id: str = ""
    consistency: str | int = ""


class CreateStore(msgspec.Struct, frozen=True):
    """A store to be made."""

    name: str = ""


class WriteRequest(msgspec.Struct, frozen=True):
    """Tuples to delete and then to write, all or nothing."""

    writes: Writes | None = None
    deletes: Deletes | None = None
    authorization_model_id: str = ""


class ReadRequest(msgspec.Struct, frozen=True):
    """Which tuples to list."""

    tuple_key: TupleKey | None = None
    page_size: int | None = None
    continuation_token: str = ""
    consistency: str | int = ""


class CheckRequest(Asking, frozen=True, kw_only=True):
    """One question."""

    tuple_key: TupleKey | None = None
    contextual_tuples: TupleKeys | None = None
    context: Context | None = None
    trace: bool = False


class BatchItem(msgspec.Struct, frozen=True):
    """One question of many."""

    tuple_key: TupleKey | None = None
    contextual_tuples: TupleKeys | None = None
    context: Context | None = None
    correlation_id: str = ""


class BatchCheckRequest(Asking, frozen=True, kw_only=True):
    """Many questions."""

    checks: tuple[BatchItem, ...] = ()


class ExpandRequest(Asking, frozen=True, kw_only=True):
    """Whose userset to take apart."""

    tuple_key: TupleKey | None = None
    contextual_tuples: TupleKeys | None = None


class ListObjectsRequest(Asking, frozen=True, kw_only=True):
    """The question turned round. `page_size` and `continuation_token` are ours: without them the answer is whole."""

    type: str = ""
    relation: str = ""
    user: str = ""
    contextual_tuples: TupleKeys | None = None
    context: Context | None = None
    page_size: int | None = None
    continuation_token: str = ""


class ObjectMessage(msgspec.Struct, frozen=True):
    """An object, in two parts."""

    type: str = ""
    id: str = ""


class UserFilter(msgspec.Struct, frozen=True):
    """What kind of users to list."""

    type: str = ""
    relation: str = ""


class ListUsersRequest(Asking, frozen=True, kw_only=True):
    """Who has the relation. `page_size` and `continuation_token` are ours: without them the answer is whole."""

    object: ObjectMessage | None = None
    relation: str = ""
    user_filters: tuple[UserFilter, ...] = ()
    contextual_tuples: tuple[TupleKey, ...] = ()
    context: Context | None = None
    page_size: int | None = None
    continuation_token: str = ""


class Assertion(msgspec.Struct, frozen=True):
    """A question and the answer it must have."""

    tuple_key: TupleKey | None = None
    expectation: bool = False
    contextual_tuples: tuple[TupleKey, ...] = ()
    context: Context | None = None


class WriteAssertionsRequest(msgspec.Struct, frozen=True):
    """What a model is held to from now on."""

    assertions: tuple[Assertion, ...] = ()
