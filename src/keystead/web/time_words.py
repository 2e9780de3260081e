"""Moments as people read them: the day, in UTC, without a clock of ours on the page."""

from __future__ import annotations

from datetime import UTC, datetime

from keystead.core.values import EpochSeconds


def day_in_words(moment: EpochSeconds, now: EpochSeconds) -> str:
    """Return the day of a moment: today, yesterday, or its date."""
    days = now // 86_400 - moment // 86_400
    if days in (0, 1):
        return ("today", "yesterday")[days]
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at.day} {at:%B %Y}"


def browser_in_words(user_agent: str) -> str:
    """Return what kind of browser a User-Agent says it is; it may say anything, so nothing depends on it."""
    browsers = (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = (
        *(("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Android", "Android"), ("Windows", "Windows")),
        *(("Mac OS X", "a Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
    )
    browser = next((name for mark, name in browsers if mark in user_agent), "A browser")
    system = next((name for mark, name in systems if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser
