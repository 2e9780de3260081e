"""Times as protocol buffers write them in JSON: RFC 3339 in UTC, with no more digits than they have.

Does not: read a clock.
"""

from __future__ import annotations

from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def text_of_milliseconds(milliseconds: int) -> str:
    """Write a time."""
    seconds, rest = divmod(milliseconds, 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:03d}Z" if rest else f"{text}Z"


def text_of_seconds(seconds: int) -> str:
    """Write a time."""
    return text_of_milliseconds(seconds * 1000)


def milliseconds_in(text: str) -> int | None:
    """Read a time with its offset; None for what is no RFC 3339 time."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if time.tzinfo is None or "T" not in text.upper():
        return None
    return (time - _EPOCH) // (datetime.resolution * 1000)
