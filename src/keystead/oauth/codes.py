"""Making an authorization code: the one door through which a code comes into the world.

Does not: redeem. `keystead.oauth.grants.authorization_code` does.
"""

from __future__ import annotations

from typing import Final

from keystead.core.records.authorization_code import CODE_PREFIX, CODE_PURPOSE, AuthorizationCode, encode_code
from keystead.core.values import EpochSeconds, handle_digest, new_handle
from keystead.storage.ports import Write, offer

REPLAY_MEMORY: Final = 3600
"""Seconds for which a spent or expired code is still recognised, so that its replay revokes what it bought."""


def offer_code(realm: str, code: AuthorizationCode) -> Write[str]:
    """Store the authorization and return the code to send to the client: `ksc_` and 256 random bits.

    Spec: RFC 6749 section 4.1.2.
    """
    handle = CODE_PREFIX + new_handle()
    keep_until = EpochSeconds(code.expires_at + REPLAY_MEMORY)
    yield from offer(realm, CODE_PURPOSE, handle_digest(handle), encode_code(code), keep_until)
    return handle
