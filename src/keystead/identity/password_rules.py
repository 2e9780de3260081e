"""What a password may be: long enough, not on a list of known ones, not made of what everybody knows of its owner.

Does not: ask for digits or capitals, or for a new one every year.
Spec: NIST SP 800-63B section 3.1.1.2, OWASP ASVS 6.2.1, 6.2.4, 6.2.5, 6.2.9, 6.2.10, 6.2.11, 6.2.12.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from keystead.core.protocols import BreachedPasswords
from keystead.core.values import Secret
from keystead.identity.passwords import MAXIMUM_PASSWORD_BYTES

SHORTEST_PASSWORD: Final = 15
"""While the password is the only factor."""
_SHORTEST_CONTEXT_WORD: Final = 4


def wrong_with_password(password: str, context: Iterable[str]) -> str:
    """Return one sentence that says what to change, or an empty text. `context`: names, addresses, the realm's name."""
    if len(password) < SHORTEST_PASSWORD:
        return f"Choose a password of at least {SHORTEST_PASSWORD} characters; several words make a good one."
    if len(password.encode("utf-8", "surrogatepass")) > MAXIMUM_PASSWORD_BYTES:
        return f"The password is longer than {MAXIMUM_PASSWORD_BYTES} bytes."
    if len(set(password)) < SHORTEST_PASSWORD // 3:
        return "The password repeats a few characters; choose one that is harder to guess."
    rest = password.casefold()
    for word in sorted(set(context), key=len, reverse=True):
        if len(word) >= _SHORTEST_CONTEXT_WORD:
            rest = rest.replace(word.casefold(), "")
    if len(rest) < SHORTEST_PASSWORD // 2:
        return "The password is little more than a name; choose one that nobody who knows you would guess."
    return ""


async def wrong_with_new_password(password: str, context: Iterable[str], breached: BreachedPasswords) -> str:
    """Do the same, and ask the lists of breached passwords."""
    wrong = wrong_with_password(password, context)
    if not wrong and await breached.knows(Secret(password)):
        return "This password is on lists of known passwords that attackers try first; choose another."
    return wrong
