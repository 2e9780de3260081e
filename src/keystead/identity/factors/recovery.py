"""Recovery codes: ten of them, each good once, for the day the telephone is gone.

Shape: 79 random bits in four groups, `abcd-efgh-jkmn-pqrs`. Stored as an HMAC under the key-encryption key: whoever
steals the database cannot even try codes.
Spec: NIST SP 800-63B section 3.1.2 (look-up secrets), OWASP ASVS 6.5.1, 6.5.2.
"""

from __future__ import annotations

import secrets
from typing import Final

from keystead.core.sealing import Sealer

HOW_MANY: Final = 10
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS: Final = 4
_GROUP: Final = 4
_KIND: Final = "recovery_code"


def new_codes() -> tuple[str, ...]:
    """Return fresh codes, to be shown once."""
    return tuple(
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
        for _ in range(HOW_MANY)
    )


def mac_of(sealer: Sealer, realm: str, account: str, typed: str) -> str:
    """Return what is stored of a code. Spaces, dashes and capitals do not count."""
    plain = "".join(typed.split()).replace("-", "").casefold()
    message = f"{len(account)}:{account}{plain}".encode("utf-8", "surrogatepass")
    return sealer.mac(realm, _KIND, message).hex()


def looks_like_one(typed: str) -> bool:
    """Tell a recovery code from six digits."""
    return len("".join(typed.split()).replace("-", "")) == _GROUPS * _GROUP
