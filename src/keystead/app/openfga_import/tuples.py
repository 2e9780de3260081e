"""Tuples as OpenFGA's JSON, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship

Json = dict[str, Any]


def tuple_of(key: Json) -> Relationship:
    """Read a tuple key. Context is kept as canonical JSON; `expires_at` is Keystead's."""
    condition: Json = key.get("condition") or {}
    context = condition.get("context")
    return Relationship(
        key["object"],
        key["relation"],
        key["user"],
        condition.get("name") or "",
        msgspec.json.encode(context, order="sorted").decode() if context else "",
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
    """Read an RFC 3339 time."""
    return int(datetime.fromisoformat(text).timestamp())


def milliseconds_of(text: str) -> int:
    """Read an RFC 3339 time, to the millisecond."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def text_of_seconds(seconds: float) -> str:
    """Write an RFC 3339 time."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
