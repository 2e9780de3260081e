"""How much of the bare primitive is left after strictness: signing and reading tokens, and the SDK's verifier.

    python benchmarks/jose_speed.py [--rounds 7]

Prints CPU microseconds per operation (best round) and the ratio to `cryptography` alone on the same bytes. The
primitive verifies the same signing input with the signature already decoded; `read` does all the rest as well: size,
alphabet, base64url, header, key, kind, and strict JSON of the claims.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256

from keystead.core.jose.algorithms import generate
from keystead.core.jose.base64url import decode
from keystead.core.jose.claims import Expectation, check_claims
from keystead.core.jose.ecdsa import raw_to_der
from keystead.core.jose.jws import read, sign
from keystead.core.jose.key_set import KeySet
from keystead.core.strict_json import parse_object
from keystead.core.values import EpochSeconds
from keystead.sdk import Refused, Verifier

NOW = 1_800_000_000
CLAIMS: dict[str, Any] = {
    "iss": "http://127.0.0.1:8080/realms/acme",
    "sub": "usr_2gYl0m3o8Yp0Jq3o5kYh1w",
    "aud": "https://orders.acme.example",
    "client_id": "shop-bff",
    "exp": NOW + 60,
    "iat": NOW,
    "jti": "2gYl0m3o8Yp0Jq3o5kYh1w",
    "scope": "orders:read orders:write",
    "sid": "2gYl0m3o8Yp0Jq3o5kYh1w",
    "gid": "2gYl0m3o8Yp0Jq3o5kYh1w",
    "acr": "1",
    "amr": ["pwd"],
    "auth_time": NOW,
    "roles": ["customer"],
    "act": {"sub": "gateway"},
}
EXPECTED = Expectation(
    issuer=CLAIMS["iss"], audience=CLAIMS["aud"], now=EpochSeconds(NOW), required=("sub", "client_id", "iat", "jti")
)


def best(operation: Callable[[], object], rounds: int, seconds: float = 0.15) -> float:
    """Return CPU microseconds per call: the best of some rounds."""
    count, found = 1, float("inf")
    for _ in range(rounds + 1):
        began = time.process_time()
        for _ in range(count):
            operation()
        spent = time.process_time() - began
        found = min(found, spent / count) if count > 1 else found
        count = max(2, int(seconds * count / max(spent, 1e-6)))
    return found * 1e6


def primitives(key: Any, token: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return (sign, verify) of `cryptography` alone."""
    signing_input, _, encoded = token.rpartition(".")
    data, signature = signing_input.encode(), decode(encoded.encode())
    private = key.primitive
    public = private.public_key()
    if key.algorithm == "ES256":
        ecdsa = ec.ECDSA(SHA256())
        der = raw_to_der(signature)
        return lambda: private.sign(data, ecdsa), lambda: public.verify(der, data, ecdsa)
    if key.algorithm == "EdDSA":
        return lambda: private.sign(data), lambda: public.verify(signature, data)
    scheme = padding.PKCS1v15() if key.algorithm == "RS256" else padding.PSS(padding.MGF1(SHA256()), 32)
    return lambda: private.sign(data, scheme, SHA256()), lambda: public.verify(signature, data, scheme, SHA256())


def measure(rounds: int) -> None:
    """Print the table."""
    print(f"{'CPU us per operation':<22}{'primitive':>10}{'ours':>10}{'ratio':>8}")
    payload = msgspec.json.encode(CLAIMS)
    for algorithm in ("ES256", "EdDSA", "RS256", "PS256"):
        key = generate(algorithm)
        keys = KeySet([key.public()])
        token = sign(CLAIMS, key, "at+jwt")
        bare_sign, bare_verify = primitives(key, token)
        rows = (
            ("sign", bare_sign, lambda key=key: sign(CLAIMS, key, "at+jwt")),
            ("read", bare_verify, lambda keys=keys, token=token: read(token, keys=keys, typ=("at+jwt",))),
        )
        for name, primitive, ours in rows:
            floor, spent = best(primitive, rounds), best(ours, rounds)
            print(f"{algorithm + ' ' + name:<22}{floor:>10.1f}{spent:>10.1f}{floor / spent:>8.0%}")
    print(f"{'strict JSON of claims':<22}{best(lambda: msgspec.json.decode(payload), rounds):>10.1f}", end="")
    print(f"{best(lambda: parse_object(payload), rounds):>10.1f}   (msgspec alone, ours)")
    print(f"{'claims checked':<32}{best(lambda: check_claims(CLAIMS, EXPECTED), rounds):>10.1f}")
    print(f"{'SDK verifier, token seen before':<32}{best(verifier_call(), rounds):>10.1f}")


def verifier_call() -> Callable[[], object]:
    """Return a verification of a remembered token, with the keys put in place of a fetch."""
    key = generate("ES256")
    verifier = Verifier(issuer=CLAIMS["iss"], audience=CLAIMS["aud"], clock=lambda: NOW, timer=lambda: 0.0)
    verifier._keys._keys, verifier._keys._fetched_at = KeySet([key.public()]), 0.0
    token = sign(CLAIMS, key, "at+jwt")
    assert not isinstance(asyncio.run(verifier.verify(token, "orders:read")), Refused)

    def call() -> object:
        try:
            return verifier.verify(token, "orders:read").send(None)
        except StopIteration as done:
            return done.value

    return call


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    measure(parser.parse_args().rounds)
