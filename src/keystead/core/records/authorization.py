"""What an authorization server keeps beside the tuples: stores, their models, and what the models are held to."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.records.record import Record


class AuthorizationStore(Record, frozen=True, kw_only=True):
    """A store of relationships. Its `id` is a ULID and also the name of its tuples in the relationships port.

    `created_at` and `updated_at` are milliseconds. `latest_model` is the ULID of the newest model, empty before the
    first. `managed_by` says whose it is: empty for the API's, `configuration` for those of the settings. `default`
    marks the store that answers where none is named.
    """

    kind: ClassVar[str] = "authorization_store"
    indexes: ClassVar[tuple[str, ...]] = ("name",)
    cached: ClassVar[bool] = True

    name: str
    created_at: int = 0
    updated_at: int = 0
    latest_model: str = ""
    managed_by: str = ""
    default: bool = False


class AuthorizationModelDocument(Record, frozen=True, kw_only=True):
    """One model of a store, never changed. `document` is its JSON, without an id, as the API gave it out.

    The record's id begins with the store and goes on with the model's ULID turned round, so that lists in id order
    have the newest first. `source` is a digest of the file it came from, if it came from one.
    """

    kind: ClassVar[str] = "authorization_model"
    indexes: ClassVar[tuple[str, ...]] = ("store",)

    store: str
    model: str
    document: str
    source: str = ""


class ModelAssertions(Record, frozen=True, kw_only=True):
    """What a model is held to, replaced as a whole. `assertions` is the JSON of a list."""

    kind: ClassVar[str] = "authorization_assertions"
    indexes: ClassVar[tuple[str, ...]] = ("store",)

    store: str
    model: str
    assertions: str = "[]"
