"""Times as people write and read them: UTC, to the second, in a form that sorts."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(seconds: float) -> str:
    """Write a time: `2026-11-22 16:04:05`. 0 is no time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") if seconds else ""


def read_moment(text: str) -> int:
    """Read a time, in UTC unless it says otherwise: `2026-11-22 16:04`, `2026-11-22T16:04:05+01:00`.

    Raises: ValueError with a sentence for the person who wrote it.
    """
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a time: write 2026-11-22 16:04, in UTC") from None
    try:
        return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
    except (OverflowError, OSError):
        raise ValueError(f"{text[:40]!r} is too far away") from None
