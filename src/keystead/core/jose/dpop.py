"""DPoP proofs: a JWT that carries its own public key and vouches for one HTTP request.

Flow: `ProofReader.read` checks everything a proof says against the request it came with -> whoever reads it keeps the
`jti` from being shown twice (the issuer in its store, a service in `keystead.sdk.dpop`), asks for a nonce where one is
demanded, and holds `thumbprint` against the key a token is bound to. `make_proof` is the sender's side.
Does not: remember a `jti`, know nonces, or read a clock.
Spec: RFC 9449 sections 4.2 and 4.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from hmac import compare_digest
from typing import Any, Final

import msgspec

from keystead.core.jose.algorithms import ALGORITHMS, public_from_jwk
from keystead.core.jose.base64url import decode, encode
from keystead.core.jose.keys import PrivateKey, PublicKey
from keystead.core.jose.outcomes import Rejected
from keystead.core.jose.request_uri import normalised
from keystead.core.jose.thumbprint import thumbprint
from keystead.core.strict_json import NotStrictJson, parse_object
from keystead.core.values import EpochSeconds, Seconds

DPOP_TYPE: Final = "dpop+jwt"
DPOP_ALGORITHMS: Final = ALGORITHMS - {"RS256"}
"""What a proof may be signed with: nothing symmetric, never `none`, and no RSA with PKCS #1 v1.5 padding."""
OLDEST_PROOF: Final = Seconds(120)
"""How long ago a proof may have been made."""
CLOCK_SKEW: Final = Seconds(30)
"""How far in the future a proof may seem to have been made, because clocks differ."""

MAXIMUM_PROOF: Final = 8_192
_MAXIMUM_HEADER: Final = 4_096
_MAXIMUM_JTI: Final = 512
_MAXIMUM_NONCE: Final = 512
_LATEST: Final = 1 << 40
_REMEMBERED: Final = 1_024
_REFUSED: Final = frozenset(("crit", "b64", "jku", "x5u", "enc", "zip"))
_json: Final = msgspec.json.Encoder()


class Proof(msgspec.Struct, frozen=True):
    """A proof that is good for its request. `thumbprint` names the sender's key (RFC 7638); `ath` was checked."""

    thumbprint: str
    jti: str
    issued_at: EpochSeconds
    nonce: str = ""

    @property
    def spending_key(self) -> str:
        """What must never be seen twice: the `jti`, under the key that signed it."""
        return hashlib.sha256(f"{self.thumbprint}:{self.jti}".encode()).hexdigest()

    @property
    def remember_until(self) -> EpochSeconds:
        """Return how long the `jti` has to be remembered: until the proof is too old by itself."""
        return EpochSeconds(self.issued_at + OLDEST_PROOF + CLOCK_SKEW)


class Arrived(msgspec.Struct, frozen=True):
    """The request a proof must be about. `urls` are the names the called URL has: all of them are ours.

    `access_token` is the token shown with it, empty at an authorization server's own endpoints.
    """

    method: str
    urls: tuple[str, ...]
    now: EpochSeconds
    access_token: str = ""


class ProofReader:
    """Reads proofs, and remembers the headers (a key and its algorithm) of senders that proved them."""

    def __init__(self, algorithms: Collection[str] = DPOP_ALGORITHMS) -> None:
        self.algorithms = frozenset(algorithms) & DPOP_ALGORITHMS
        self._senders: dict[str, tuple[PublicKey, str]] = {}

    def read(self, proof: str, arrived: Arrived) -> Proof | Rejected:
        """Check one proof against the request it came with. Never raises on any text."""
        if len(proof) > MAXIMUM_PROOF or not proof.isascii() or proof.count(".") != 2:
            return Rejected("dpop.malformed", "not a compact JWS of bearable size")
        header, payload, signature = proof.split(".")
        known = self._senders.get(header)
        sender = known or self._sender(header)
        if isinstance(sender, Rejected):
            return sender
        key, thumb = sender
        try:
            octets, claims = decode(signature.encode()), parse_object(decode(payload.encode()), maximum_depth=4)
        except ValueError:
            return Rejected("dpop.malformed", "a segment is not base64url, or the claims are no strict JSON object")
        if not key.verify(octets, f"{header}.{payload}".encode()):
            return Rejected("dpop.signature", "the signature is not of the key in the header")
        if known is None:
            self._remember(header, sender)
        return _judge(claims, thumb, arrived)

    def _sender(self, segment: str) -> tuple[PublicKey, str] | Rejected:
        try:
            header = parse_object(decode(segment.encode()), maximum_bytes=_MAXIMUM_HEADER, maximum_depth=4)
        except NotStrictJson:
            return Rejected("dpop.header", "the header is not one strict JSON object")
        except ValueError:
            return Rejected("dpop.malformed", "the header is not base64url")
        typ, algorithm, jwk = header.get("typ"), header.get("alg"), header.get("jwk")
        if not isinstance(typ, str) or typ.lower().removeprefix("application/") != DPOP_TYPE:
            return Rejected("dpop.type", f"typ is not {DPOP_TYPE}")
        if not isinstance(algorithm, str) or algorithm not in self.algorithms:
            return Rejected("dpop.algorithm", f"alg is not one of {' '.join(sorted(self.algorithms))}")
        if not isinstance(jwk, dict) or _REFUSED.intersection(header):
            return Rejected("dpop.header", "the header has no jwk, or a member that is not accepted")
        if jwk.get("alg", algorithm) != algorithm:
            return Rejected("dpop.key", "the key is for another algorithm than the header names")
        try:
            key = public_from_jwk({**jwk, "alg": algorithm}, algorithms=self.algorithms)
            return key, thumbprint(jwk)
        except (ValueError, KeyError, TypeError) as error:
            return Rejected("dpop.key", f"the jwk is not a public key we take: {error}")

    def _remember(self, header: str, sender: tuple[PublicKey, str]) -> None:
        if len(self._senders) >= _REMEMBERED:
            self._senders.clear()
        self._senders[header] = sender


def make_proof(key: PrivateKey, claims: dict[str, Any]) -> str:
    """Return a proof of these claims, with the key's public half in its header."""
    public = {name: value for name, value in key.public().jwk().items() if name not in ("kid", "use", "alg")}
    header = _json.encode({"typ": DPOP_TYPE, "alg": key.algorithm, "jwk": public})
    signing_input = encode(header) + b"." + encode(_json.encode(claims))
    return (signing_input + b"." + encode(key.sign(signing_input))).decode("ascii")


def access_token_hash(token: str) -> str:
    """Return the `ath` of an access token. Spec: RFC 9449 section 4.2."""
    return encode(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()).decode()


def _judge(claims: dict[str, Any], thumb: str, arrived: Arrived) -> Proof | Rejected:
    jti, nonce, issued_at = claims.get("jti"), claims.get("nonce", ""), claims.get("iat")
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAXIMUM_JTI:
        return Rejected("dpop.jti", f"jti is not a text of at most {_MAXIMUM_JTI} characters")
    if claims.get("htm") != arrived.method:
        return Rejected("dpop.method", "htm is not the method of this request")
    if not _is_about(claims.get("htu"), arrived.urls):
        return Rejected("dpop.url", "htu is not the URL of this request")
    if not isinstance(nonce, str) or len(nonce) > _MAXIMUM_NONCE:
        return Rejected("dpop.nonce_malformed", "nonce is not a short text")
    late = _not_now(claims, arrived.now)
    if late:
        return Rejected("dpop.time", late)
    if arrived.access_token and not _is_hash(claims.get("ath"), arrived.access_token):
        return Rejected("dpop.access_token", "ath is not the hash of the access token shown with it")
    return Proof(thumb, jti, EpochSeconds(issued_at or 0), nonce)


def _not_now(claims: dict[str, Any], now: EpochSeconds) -> str:
    """Return why the proof is not of this moment, empty when it is."""
    for name in ("iat", "nbf", "exp"):
        time = claims.get(name)
        if (time is not None or name == "iat") and not (type(time) is int and 0 <= time < _LATEST):
            return f"{name} is not a whole number of seconds"
    age = now - claims["iat"]
    if age > OLDEST_PROOF:
        return f"made {age} s ago"
    if -age > CLOCK_SKEW or claims.get("nbf", now) - now > CLOCK_SKEW:
        return "made in the future: one of the clocks is wrong"
    return "expired" if claims.get("exp", now + 1) <= now else ""


def _is_about(htu: object, urls: tuple[str, ...]) -> bool:
    if not isinstance(htu, str):
        return False
    if htu in urls:
        return True
    named = normalised(htu)
    return bool(named) and any(named == normalised(url) for url in urls)


def _is_hash(shown: object, token: str) -> bool:
    return isinstance(shown, str) and compare_digest(
        shown.encode("utf-8", "replace"), access_token_hash(token).encode()
    )
