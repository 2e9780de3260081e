"""Codes of authenticator apps: six digits, half a minute each.

Shape: a secret of 160 random bits, shown once as a QR code of an `otpauth:` URI and in groups of base32.
Does not: remember which codes were used; `enrolled` does.
Spec: RFC 6238 sections 4 and 5.2 (SHA-1, 30 s, one step to either side), RFC 4226 section 5.3.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b32encode
from typing import Final
from urllib.parse import quote, urlencode

from keystead.core.values import EpochSeconds

SECRET_BYTES: Final = 20
STEP_SECONDS: Final = 30
DIGITS: Final = 6
_STEPS_OFF: Final = 1


def new_secret() -> bytes:
    """Return a fresh secret."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a step."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(secret: bytes, typed: str, now: EpochSeconds) -> int | None:
    """Return the step a code belongs to: this one, the one before or the one after. None: it is wrong."""
    current = now // STEP_SECONDS
    found = None
    for step in range(current - _STEPS_OFF, current + _STEPS_OFF + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), typed.encode("utf-8", "surrogatepass")):
            found = step
    return found


def provisioning_uri(secret: bytes, issuer: str, account: str) -> str:
    """Return what an authenticator app reads: `otpauth://totp/...`."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    facts = {"secret": readable(secret).replace(" ", ""), "issuer": issuer, "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{label}?{urlencode(facts, quote_via=quote)}"


def readable(secret: bytes) -> str:
    """Return a secret as people type it: base32 in groups of four."""
    text = b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
