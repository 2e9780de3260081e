"""Opening what a client encrypted for us: request objects, and ID tokens given back as hints.

Does not: believe anything inside. Encryption proves no sender; the caller checks the signature of what comes out.
Spec: RFC 9101 section 6.1, OpenID Connect Core sections 6.3.1 and 3.1.2.1 (id_token_hint).
"""

from __future__ import annotations

from keystead.core.jose import jwe
from keystead.core.jose.outcomes import Rejected
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext


async def decrypt_for_us(
    token: str, realm: str, now: EpochSeconds, cx: ServerContext, *, algorithm: str = "", encryption: str = ""
) -> str | Rejected:
    """Return the JWS inside a JWE that was encrypted to this realm's published key.

    `algorithm` and `encryption` are what the client registered (`request_object_encryption_alg` and `_enc`); empty
    accepts any of ours. An algorithm without an encryption means A128CBC-HS256, as registered clients mean it.
    """
    if algorithm and not encryption:
        encryption = jwe.DEFAULT_CONTENT_ENCRYPTION
    plaintext = jwe.decrypt(
        token,
        keys=await cx.keys.decryption_keys(realm, now),
        algorithms=(algorithm,) if algorithm else jwe.KEY_ALGORITHMS,
        encryptions=(encryption,) if encryption else jwe.CONTENT_ENCRYPTIONS,
    )
    if isinstance(plaintext, Rejected):
        return plaintext
    try:
        return plaintext.decode("ascii")
    except UnicodeDecodeError:
        return Rejected("jwe.content", "what was encrypted is not a signed token")


async def opened_hint(hint: str, realm: str, now: EpochSeconds, cx: ServerContext) -> str:
    """Return the ID token inside an `id_token_hint`, where the client encrypted it to us; else the hint as it is.

    Does not: say that it is good. What cannot be opened stays what it was, and is no ID token.
    """
    if not jwe.looks_encrypted(hint):
        return hint
    inner = await decrypt_for_us(hint, realm, now, cx)
    return hint if isinstance(inner, Rejected) else inner
