"""DPoP proofs at the issuer: read, fresh, never seen before.

Flow: the one `DPoP` header -> `core.jose.dpop` checks it against this request -> the nonce, where one is demanded ->
the `jti` is claimed in the store, which every process of the issuer shares.
Does not: say what the key is good for. Spec: RFC 9449 sections 4.3, 5, 8 and 11.1.
"""

from __future__ import annotations

from functools import partial
from typing import Final
from urllib.parse import urlsplit

import msgspec

from keystead.core.errors import InvalidDpopProof, UseDpopNonce
from keystead.core.http import Request
from keystead.core.jose.dpop import DPOP_ALGORITHMS, Arrived, Proof, ProofReader
from keystead.core.jose.dpop_nonce import Tag, nonce_at, windows_since
from keystead.core.jose.outcomes import Rejected
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.oauth.context import ServerContext
from keystead.storage.ports import claim

PURPOSE: Final = "dpop_proof"
ALGORITHMS: Final = tuple(sorted(DPOP_ALGORITHMS))

_reader: Final = ProofReader()


class ProvenKey(msgspec.Struct, frozen=True):
    """A key the sender holds, by its thumbprint. `next_nonce` is to be handed out with the reply, empty for none."""

    thumbprint: str
    next_nonce: str = ""


def shows_proof(request: Request) -> bool:
    """Return whether the request carries a DPoP header at all."""
    return any(name == b"dpop" for name, _ in request.headers)


def demands_nonce(realm: Realm, client: Client | None) -> bool:
    """Return whether proofs of this client must carry a nonce of ours."""
    return realm.require_dpop_nonce or (client is not None and client.require_dpop_nonce)


async def proven_key(
    request: Request, cx: ServerContext, *, nonce_demanded: bool, access_token: str = ""
) -> ProvenKey | None:
    """Return the key a DPoP proof proves, or None when the request carries none.

    Raises: InvalidDpopProof, UseDpopNonce.
    """
    try:
        header = request.header(b"dpop")
    except ValueError:
        raise InvalidDpopProof("send one DPoP header, not several", reason="dpop.repeated") from None
    if header is None:
        return None
    arrived = Arrived(request.method, urls_of(request, cx), request.now, access_token)
    proof = _reader.read(header.decode("latin-1"), arrived)
    if isinstance(proof, Rejected):
        raise InvalidDpopProof(f"the DPoP proof is not accepted: {proof.detail}", reason=proof.reason)
    next_nonce = _check_nonce(proof, request, cx) if nonce_demanded else ""
    await _spend(proof, request, cx)
    return ProvenKey(proof.thumbprint, next_nonce)


def urls_of(request: Request, cx: ServerContext) -> tuple[str, ...]:
    """Return the names of the called URL: at the public origin, and at the one that asks for certificates."""
    return tuple(f"{_origin(base)}{request.path}" for base in (cx.base_url, cx.mtls_base_url) if base)


def fresh_nonce(request: Request, cx: ServerContext) -> str:
    """Return the nonce to hand out now."""
    return nonce_at(request.now, _tag(request, cx))


def _check_nonce(proof: Proof, request: Request, cx: ServerContext) -> str:
    """Demand a nonce of ours and return the one to hand out next, empty while the shown one is the latest."""
    age = windows_since(proof.nonce, request.now, _tag(request, cx)) if proof.nonce else None
    if age is None:
        why = "is not ours or stale" if proof.nonce else "is missing"
        raise UseDpopNonce(
            "put the nonce of the DPoP-Nonce header into the DPoP proof and send it again",
            reason="dpop.nonce",
            detail=f"the nonce {why}",
            nonce=fresh_nonce(request, cx),
        )
    return fresh_nonce(request, cx) if age else ""


async def _spend(proof: Proof, request: Request, cx: ServerContext) -> None:
    realm, key, until = request.realm, proof.spending_key, proof.remember_until
    if not await cx.store.write(lambda: claim(realm, PURPOSE, key, until, request.now)):
        raise InvalidDpopProof("the DPoP proof was used before: make one for each request", reason="dpop.replayed")


def _tag(request: Request, cx: ServerContext) -> Tag:
    return partial(cx.sealer.mac, request.realm, "dpop_nonce")


def _origin(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"
