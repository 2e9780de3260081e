"""Tuples as OpenFGA's JSON, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.api.openfga.times import milliseconds_in, text_of_seconds
from keystead.app.openfga_import.client import ServerRefused
from keystead.authz.names import context_text
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship

Json = dict[str, Any]


def tuple_of(key: Json) -> Relationship:
    """Read a tuple key. Context is kept as canonical JSON; `expires_at` is Keystead's."""
    condition: Json = key.get("condition") or {}
    return Relationship(
        key["object"],
        key["relation"],
        key["user"],
        condition.get("name") or "",
        context_text(condition.get("context")),
        EpochSeconds(seconds_of(key["expires_at"]) if key.get("expires_at") else 0),
    )


def key_of(tuple: Relationship) -> Json:
    """Write a tuple key."""
    key: Json = {"user": tuple.user, "relation": tuple.relation, "object": tuple.object}
    if tuple.condition:
        key["condition"] = {"name": tuple.condition}
        if tuple.context:
            key["condition"]["context"] = msgspec.json.decode(tuple.context)
    if tuple.expires_at:
        key["expires_at"] = text_of_seconds(tuple.expires_at)
    return key


def seconds_of(text: str) -> int:
    """Read an RFC 3339 time. Raises: ServerRefused."""
    return milliseconds_of(text) // 1000


def milliseconds_of(text: str) -> int:
    """Read an RFC 3339 time, to the millisecond. Raises: ServerRefused."""
    found = milliseconds_in(text)
    if found is None:
        raise ServerRefused(f"the server sent {text[:40]!r} for a time; OpenFGA sends 2026-01-31T12:00:00Z")
    return found
