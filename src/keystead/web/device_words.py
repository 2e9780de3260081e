"""What asked for access, in words a person can judge: which program, how long ago.

Does not: prove anything. A program says of itself what it likes; the address is what its connection came from.
"""

from __future__ import annotations

from keystead.web.scope_words import lifetime_in_words

_LONGEST = 60


def program_in_words(user_agent: str) -> str:
    """Return what a program calls itself, shortened, in printable characters; empty when it does not say."""
    text = "".join(letter for letter in user_agent if letter.isprintable()).strip()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def ago_in_words(seconds: int) -> str:
    """Return how long ago something was."""
    return "just now" if seconds < 60 else f"{lifetime_in_words(seconds)} ago"
