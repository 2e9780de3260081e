"""The code a person gives a client, to be sent along with backchannel authentication requests about them.

It is short and chosen by people, so it is kept as a mac under the key-encryption key, with the account bound in, and
guesses at it are braked.
Spec: OpenID Connect CIBA Core section 7.1 (`user_code`).
"""

from __future__ import annotations

import hmac
from typing import Final

from keystead.core.sealing import Sealer

_KIND: Final = "person_code"


def person_code_mac(sealer: Sealer, realm: str, account_id: str, code: str) -> str:
    """Return what is stored in place of a code; nothing for no code."""
    return sealer.mac(realm, _KIND, f"{account_id}:{code}".encode()).hex() if code else ""


def is_person_code(sealer: Sealer, realm: str, account_id: str, code: str, stored: str) -> bool:
    """Return whether a code is the one stored. Takes the same time whatever is wrong."""
    return hmac.compare_digest(person_code_mac(sealer, realm, account_id, code or "-").encode(), stored.encode())
