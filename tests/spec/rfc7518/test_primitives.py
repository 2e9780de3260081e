"""The primitives, held against Wycheproof: ECDSA as R||S, Ed25519, RSA PKCS #1 v1.5 and PSS."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.jose.algorithms import public_from_jwk
from keystead.core.jose.base64url import encode
from keystead.core.jose.keys import PublicKey
from tests.vectors import wycheproof


def b64(hexadecimal: str) -> str:
    """Return base64url of hexadecimal."""
    return encode(bytes.fromhex(hexadecimal)).decode()


def number(hexadecimal: str) -> str:
    """Return base64url of a number without leading zeros."""
    return encode(bytes.fromhex(hexadecimal).lstrip(b"\0")).decode()


def read_key(group: dict[str, Any], algorithm: str) -> PublicKey:
    """Return the key of a group through the JWK door."""
    key = group["publicKey"]
    if algorithm == "ES256":
        point = key["uncompressed"][2:]
        jwk = {"kty": "EC", "crv": "P-256", "x": b64(point[:64]), "y": b64(point[64:])}
    elif algorithm == "EdDSA":
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(key["pk"])}
    else:
        jwk = {"kty": "RSA", "n": number(key["modulus"]), "e": number(key["publicExponent"])}
    return public_from_jwk({**jwk, "alg": algorithm}, algorithms=frozenset((algorithm,)))


@pytest.mark.parametrize(
    ("name", "algorithm", "count"),
    [
        pytest.param("ecdsa_secp256r1_sha256_p1363_test", "ES256", 262, marks=pytest.mark.spec("RFC 7518 section 3.4")),
        pytest.param("ed25519_test", "EdDSA", 151, marks=pytest.mark.spec("RFC 8037 section 3.1")),
        pytest.param("rsa_signature_2048_sha256_test", "RS256", 257, marks=pytest.mark.spec("RFC 7518 section 3.3")),
        pytest.param("rsa_pss_2048_sha256_mgf1_32_test", "PS256", 108, marks=pytest.mark.spec("RFC 7518 section 3.5")),
    ],
)
def test_wycheproof(name: str, algorithm: str, count: int) -> None:
    seen = 0
    for group, test in wycheproof(name):
        try:
            key = read_key(group, algorithm)
        except ValueError:
            assert group["publicKey"]["publicExponent"] == "03", (test["tcId"], test["comment"], "the key was refused")
            continue
        good = key.verify(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
        assert test["result"] == "acceptable" or good == (test["result"] == "valid"), (test["tcId"], test["comment"])
        seen += 1
    assert seen == count
