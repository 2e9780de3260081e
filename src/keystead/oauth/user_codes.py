"""User codes: what a person reads on one screen and types on another.

Shape: eight letters of twenty, without vowels and look-alikes, shown as `XXXX-XXXX`: some 34 bits, which the page's
brake on guessing and a life of minutes make enough.
Spec: RFC 8628 sections 5.1 and 6.1.
"""

from __future__ import annotations

import secrets
from typing import Final

from keystead.core.sealing import Sealer

LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8
LONGEST_TYPED: Final = 32
_KIND: Final = "user_code"


def new_user_code() -> str:
    """Return a fresh code, as it is shown."""
    code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    return f"{code[:4]}-{code[4:]}"


def read_user_code(typed: str) -> str:
    """Return the code a person typed, as it is shown: in any case, with any separators. Empty when it is none."""
    if len(typed) > LONGEST_TYPED:
        return ""
    letters = "".join(letter for letter in typed.upper() if letter.isascii() and letter.isalnum())
    if len(letters) != LENGTH or any(letter not in LETTERS for letter in letters):
        return ""
    return f"{letters[:4]}-{letters[4:]}"


def user_code_mac(sealer: Sealer, realm: str, user_code: str) -> str:
    """Return what is stored in place of a code. Keyed, since a code is too short for a plain digest."""
    return sealer.mac(realm, _KIND, user_code.encode()).hex()
