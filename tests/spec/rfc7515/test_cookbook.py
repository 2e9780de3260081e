"""The examples of RFC 7520 and RFC 8037: what is ours is accepted, all else refused, and our signing agrees."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keystead.core.jose.base64url import decode
from keystead.core.jose.eddsa import Ed25519SigningKey
from keystead.core.jose.jws import verify
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Rejected, VerifiedPayload
from keystead.core.jose.thumbprint import thumbprint
from tests.vectors import HERE, load

EXAMPLES = sorted(path.name for path in (HERE / "rfc7520/jws").glob("*.json"))


@pytest.mark.spec("RFC 7515 section 5.2")
@pytest.mark.parametrize("name", EXAMPLES)
def test_cookbook(name: str) -> None:
    example = load(f"rfc7520/jws/{name}")
    key = example["input"]["key"]
    public = load("rfc7520/jwk/3_3.rsa_public_key.json" if "rsa" in name else "rfc7520/jwk/3_1.ec_public_key.json")
    compact = example["output"].get("compact")
    if compact is None:
        return
    keys = KeySet.from_jwks({"keys": [{**public, "alg": example["input"]["alg"]}]})
    outcome = verify(compact, keys=keys, typ={""})
    if name.startswith("4_1."):
        assert isinstance(outcome, VerifiedPayload)
        assert outcome.payload.decode() == example["input"]["payload"]
        assert outcome.header.kid == key["kid"]
    else:
        assert isinstance(outcome, Rejected)


@pytest.mark.spec("RFC 7515 section 4.1.11")
@pytest.mark.parametrize("name", ["rfc7797/4.2.hmac-sha2_b64_false.json", "rfc7797/hmac-sha2_b64_false.json"])
def test_unencoded_payloads_are_refused(name: str) -> None:
    compact = load(f"rfc7520/{name}")["output"].get("compact")
    if compact is not None:
        assert isinstance(verify(compact, keys=KeySet(()), typ={""}), Rejected)


@pytest.mark.spec("RFC 8037 section 3.1")
def test_ed25519_example() -> None:
    example = load("rfc_small.json")["rfc8037_a"]
    outcome = verify(example["jws"], keys=KeySet.from_jwks({"keys": [example["jwk"]]}), typ={""})
    assert isinstance(outcome, VerifiedPayload)
    assert outcome.payload.decode() == example["payload"]


@pytest.mark.spec("RFC 8037 section 3.1")
def test_ed25519_signing_is_deterministic_and_agrees_with_the_cookbook() -> None:
    example = load("rfc7520/curve25519/jws.json")
    private = Ed25519PrivateKey.from_private_bytes(decode(example["input"]["key"]["d"].encode()))
    signing_input, _, signature = example["output"]["compact"].rpartition(".")
    assert Ed25519SigningKey(private, "EdDSA", "").sign(signing_input.encode()) == decode(signature.encode())


@pytest.mark.spec("RFC 7638 section 3.1")
def test_thumbprints() -> None:
    vectors = load("rfc_small.json")
    for name in ("rfc7638_3_1", "rfc8037_a"):
        assert thumbprint(vectors[name]["jwk"]) == vectors[name]["thumbprint_sha256"]
