"""Timestamps and durations: reading, writing, calendar fields.

Spec: RFC 3339; Go's duration format (`1h30m`, `1.5s`, `300ms`); CEL language definition, "Timestamp and Duration".
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from keystead.authz.conditions.values import (
    MAX_INT,
    MAX_TIMESTAMP,
    MIN_INT,
    MIN_TIMESTAMP,
    SECOND,
    Duration,
    Failure,
    Timestamp,
)

_RFC3339: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,30}))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)
_PART: Final = re.compile(r"(?:([0-9]{1,20})(?:\.([0-9]{0,30}))?|\.([0-9]{1,30}))(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")
_OFFSET: Final = re.compile(r"([+-]?)([0-9]{1,2}):([0-9]{2})")
_UNITS: Final = {
    "ns": 1, "us": 1_000, "\u00b5s": 1_000, "\u03bcs": 1_000, "ms": 1_000_000,
    "s": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND,
}  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = _EPOCH.replace(tzinfo=None)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MILLISECOND: Final = 1_000_000
_LONGEST_ZONE: Final = 64


def timestamp(nanoseconds: int) -> Timestamp:
    """Make a timestamp. Raises: Failure outside the years 1 to 9999."""
    if MIN_TIMESTAMP <= nanoseconds <= MAX_TIMESTAMP:
        return Timestamp(nanoseconds)
    raise Failure("the timestamp is outside the years 1 to 9999")


def duration(nanoseconds: int) -> Duration:
    """Make a duration. Raises: Failure beyond some 292 years."""
    if MIN_INT <= nanoseconds <= MAX_INT:
        return Duration(nanoseconds)
    raise Failure("the duration is longer than 292 years")


def read_timestamp(text: str) -> Timestamp:
    """Read `2026-01-31T12:00:00Z`. Raises: Failure."""
    if len(text) == 20 and text[4] + text[7] + text[10] + text[13] + text[16] + text[19] == "--T::Z":
        try:
            since = datetime.fromisoformat(text[:19]) - _NAIVE_EPOCH
        except ValueError:
            raise Failure(f"{text[:60]!r} is not in the calendar") from None
        if text[11] < "2" or text[11:13] < "24":
            return Timestamp((since.days * 86_400 + since.seconds) * SECOND)
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise Failure(f"{text[:60]!r} is not a timestamp like 2026-01-31T12:00:00Z")
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    offset = 0
    if match[8]:
        hours, minutes = int(match[9]), int(match[10])
        offset = (hours * 3600 + minutes * 60) * (1 if match[8] == "+" else -1)
        if hours > 23 or minutes > 59:
            raise Failure(f"{text[:60]!r} has an offset of more than a day")
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        days = -1
        hour = 24
    if hour > 23 or minute > 59 or second > 59:
        raise Failure(f"{text[:60]!r} is not in the calendar")
    nanoseconds = int(match[7][:9].ljust(9, "0")) if match[7] else 0
    return timestamp((days * 86_400 + hour * 3600 + minute * 60 + second - offset) * SECOND + nanoseconds)


def read_duration(text: str) -> Duration:
    """Read `1h30m`, `-1.5s`, `0`. Raises: Failure."""
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    total = at = 0
    while len(text) < 200 and at < len(unsigned):
        match = _PART.match(unsigned, at)
        if match is None:
            break
        unit, fraction = _UNITS[match[4]], match[2] or match[3] or ""
        total += int(match[1] or 0) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
        at = match.end()
    if not unsigned or (at < len(unsigned) and unsigned != "0"):
        raise Failure(f"{text[:60]!r} is not a duration like 90s, 1h30m or 300ms")
    return duration(-total if text[0] == "-" else total)


def write_timestamp(moment: Timestamp) -> str:
    """Write as RFC 3339 in UTC, with as many decimals as needed."""
    seconds, nanoseconds = divmod(int(moment), SECOND)
    fraction = f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""
    return f"{(_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()}{fraction}Z"


def write_duration(length: Duration) -> str:
    """Write as seconds: `90s`, `1.5s`."""
    seconds, nanoseconds = divmod(abs(int(length)), SECOND)
    fraction = f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""
    return f"{'-' if length < 0 else ''}{seconds}{fraction}s"


def read_zone(name: str) -> tzinfo:
    """Find a time zone by its name, `Europe/Berlin`, or its offset, `+02:00`. Raises: Failure."""
    if name in ("", "UTC"):
        return UTC
    match = _OFFSET.fullmatch(name)
    if match:
        minutes = int(match[2]) * 60 + int(match[3])
        if minutes < 1_440:
            return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    try:
        return ZoneInfo(name[:_LONGEST_ZONE])
    except (KeyError, ValueError, OSError):
        raise Failure(f"{name[:60]!r} is not a time zone like Europe/Berlin or +02:00") from None


def calendar_field(function: str, moment: Timestamp, zone: tzinfo) -> int:
    """Return a field of a timestamp in a time zone. Raises: Failure."""
    seconds, nanoseconds = divmod(int(moment), SECOND)
    local = _EPOCH + timedelta(seconds=seconds)
    if zone is not UTC:
        try:
            local = local.astimezone(zone)
        except OverflowError:
            raise Failure("the timestamp is outside the years 1 to 9999 in this time zone") from None
    match function:
        case "getFullYear":
            return local.year
        case "getMonth":
            return local.month - 1
        case "getDate":
            return local.day
        case "getDayOfMonth":
            return local.day - 1
        case "getDayOfWeek":
            return local.isoweekday() % 7
        case "getDayOfYear":
            return local.toordinal() - date(local.year, 1, 1).toordinal()
        case "getHours":
            return local.hour
        case "getMinutes":
            return local.minute
        case "getSeconds":
            return local.second
        case _:
            return nanoseconds // _MILLISECOND


def length_field(function: str, length: Duration) -> int:
    """Return a duration in whole hours, minutes, seconds or milliseconds, cut towards zero."""
    unit = {"getHours": _UNITS["h"], "getMinutes": _UNITS["m"], "getSeconds": SECOND}.get(function, _MILLISECOND)
    whole = abs(int(length)) // unit
    return -whole if length < 0 else whole
