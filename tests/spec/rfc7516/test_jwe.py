"""JWE, both ways: what others encrypted opens here, what we encrypt opens elsewhere, everything else is refused."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc import jwe as other
from joserfc.jwk import ECKey, OKPKey, RSAKey

from keystead.core.jose.base64url import encode
from keystead.core.jose.decryption_keys import (
    DecryptionKey,
    decryption_key_from_pem,
    decryption_key_to_pem,
    generate_decryption_key,
)
from keystead.core.jose.jwe import (
    ALL_KEY_ALGORITHMS,
    CONTENT_ENCRYPTIONS,
    KEY_ALGORITHMS,
    decrypt,
    encrypt,
    key_type_of,
)
from keystead.core.jose.outcomes import Rejected
from tests.vectors import load, wycheproof

EC: Final = generate_decryption_key("EC")
RSA: Final = generate_decryption_key("RSA")
VECTORS: Final = list(wycheproof("json_web_encryption_test"))
COOKBOOK: Final = (
    "5_2.key_encryption_using_rsa-oaep_with_aes-gcm",
    "5_5.key_agreement_using_ecdh-es_with_aes-cbc-hmac-sha2",
)
REFUSED: Final = (
    "5_1.key_encryption_using_rsa_v15_and_aes-hmac-sha2",
    "5_3.key_wrap_using_pbes2-aes-keywrap_with-aes-cbc-hmac-sha2",
    "5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm",
    "5_6.direct_encryption_using_aes-gcm",
    "5_7.key_wrap_using_aes-gcm_keywrap_with_aes-cbc-hmac-sha2",
    "5_8.key_wrap_using_aes-keywrap_with_aes-gcm",
    "5_9.compressed_content",
)


def ours(jwk: dict[str, Any], kid: str) -> DecryptionKey | None:
    """Return a foreign private key as if it were one of ours, or None where it cannot be."""
    if jwk["kty"] == "RSA":
        rsa = RSAKey.import_key({name: text for name, text in jwk.items() if name not in ("alg", "use", "key_ops")})
        assert isinstance(rsa.private_key, RSAPrivateKey)
        return DecryptionKey(kid, "RSA", rsa.private_key)
    if jwk["kty"] == "EC":
        ec = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y", "d")})
        assert isinstance(ec.private_key, EllipticCurvePrivateKey)
        return DecryptionKey(kid, "EC", ec.private_key)
    return None


def kid_in(token: str) -> str:
    """Return the kid a token names."""
    header = decode_header(token)
    return str(header.get("kid", ""))


def decode_header(token: str) -> dict[str, Any]:
    """Return the header, or nothing."""
    from keystead.core.jose.jwe import peek_header_unverified

    return peek_header_unverified(token) or {}


@pytest.mark.spec("RFC 7518 section 4.3")
@pytest.mark.spec("RFC 7518 section 4.6")
@pytest.mark.parametrize("encryption", CONTENT_ENCRYPTIONS)
@pytest.mark.parametrize("algorithm", ALL_KEY_ALGORITHMS)
def test_both_ways(algorithm: str, encryption: str) -> None:
    key = RSA if key_type_of(algorithm) == "RSA" else EC
    token = encrypt(b"secret", jwk=key.jwk(), algorithm=algorithm, encryption=encryption)
    assert decode_header(token) | {"epk": None} == {
        "alg": algorithm,
        "enc": encryption,
        "kid": key.kid,
        "cty": "JWT",
        "epk": None,
    }
    assert decrypt(token, keys=(RSA, EC), algorithms=ALL_KEY_ALGORITHMS) == b"secret"
    fresh = generate_decryption_key(key.key_type)
    assert decrypt(token, keys=(DecryptionKey(key.kid, key.key_type, fresh.primitive),)) == (
        Rejected("jwe.algorithm", "alg must be one of " + ", ".join(sorted(KEY_ALGORITHMS)))
        if algorithm == "RSA-OAEP"
        else Rejected("jwe.decryption", "no key of ours opens this text")
    )


@pytest.mark.spec("RFC 7518 section 4.6")
@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521", "X25519"])
def test_clients_may_have_other_curves(curve: str) -> None:
    theirs = OKPKey.generate_key("X25519") if curve == "X25519" else ECKey.generate_key(curve)
    token = encrypt(
        b"secret", jwk=theirs.as_dict(private=False), algorithm="ECDH-ES+A128KW", encryption="A128CBC-HS256"
    )
    assert other.decrypt_compact(token, theirs).plaintext == b"secret"


@pytest.mark.spec("RFC 7516 section 5.2")
@pytest.mark.parametrize("name", COOKBOOK)
def test_cookbook_examples_of_our_algorithms_open(name: str) -> None:
    example = load(f"rfc7520/jwe/{name}.json")
    key = ours(example["input"]["key"], example["input"]["key"]["kid"])
    assert key is not None
    opened = decrypt(example["output"]["compact"], keys=(key,), algorithms=ALL_KEY_ALGORITHMS)
    assert opened == example["input"]["plaintext"].encode()


@pytest.mark.spec("RFC 7516 section 5.2")
@pytest.mark.parametrize("name", REFUSED)
def test_cookbook_examples_of_other_algorithms_are_refused(name: str) -> None:
    example = load(f"rfc7520/jwe/{name}.json")
    outcome = decrypt(example["output"]["compact"], keys=(RSA, EC), algorithms=ALL_KEY_ALGORITHMS)
    assert isinstance(outcome, Rejected)
    assert outcome.reason in ("jwe.algorithm", "jwe.encryption", "jwe.header_member", "jwe.header")


@pytest.mark.attack("J5")
@pytest.mark.spec("RFC 7516 section 5.2")
def test_wycheproof_has_no_false_accept_and_what_is_ours_opens() -> None:
    opened = refused = 0
    for group, vector in VECTORS:
        token = vector["jwe"]
        if not isinstance(token, str):
            continue
        key = ours(group["private"], kid_in(token))
        outcome = decrypt(token, keys=(key,) if key else (), algorithms=ALL_KEY_ALGORITHMS)
        if isinstance(outcome, bytes):
            assert vector["result"] == "valid", (vector["tcId"], vector["comment"])
            assert outcome.hex() == vector["pt"], vector["tcId"]
            opened += 1
        else:
            refused += 1
            header = decode_header(token)
            mine = header.get("alg") in ALL_KEY_ALGORITHMS and header.get("enc") in CONTENT_ENCRYPTIONS
            plain = not {"zip", "crit"} & header.keys() and header.get("epk", {}).get("crv", "P-256") == "P-256"
            assert not (vector["result"] == "valid" and mine and plain), (vector["tcId"], vector["comment"], outcome)
    assert opened > 20
    assert refused > 80


@pytest.mark.attack("J5")
@pytest.mark.spec("RFC 7516 section 4.1.13")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"zip": "DEF"}, "jwe.header_member"),
        ({"crit": ["exp"]}, "jwe.header_member"),
        ({"jku": "https://evil.test/keys"}, "jwe.header_member"),
        ({"p2c": 2**31, "p2s": "AAAA", "alg": "PBES2-HS256+A128KW"}, "jwe.header_member"),
        ({"alg": "RSA1_5"}, "jwe.algorithm"),
        ({"alg": "dir"}, "jwe.algorithm"),
        ({"alg": "A128KW"}, "jwe.algorithm"),
        ({"alg": "none"}, "jwe.algorithm"),
        ({"alg": ["ECDH-ES"]}, "jwe.algorithm"),
        ({"enc": "A192GCM"}, "jwe.encryption"),
        ({"kid": "another"}, "jwe.key_unknown"),
        ({"kid": 7}, "jwe.header"),
        ({"epk": None}, "jwe.header"),
        ({"epk": {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}}, "jwe.header"),
        ({"epk": {"kty": "EC", "crv": "P-256", "x": encode(b"\x01" * 32).decode(), "y": "AQ"}}, "jwe.decryption"),
    ],
)
def test_headers_that_are_refused(changes: dict[str, Any], reason: str) -> None:
    token = encrypt(b"secret", jwk=EC.jwk(), algorithm="ECDH-ES", encryption="A128GCM")
    segment, rest = token.split(".", 1)
    header = {name: value for name, value in (decode_header(token) | changes).items() if value is not None}
    forged = encode(json.dumps(header).encode()).decode() + "." + rest
    outcome = decrypt(forged, keys=(EC, RSA))
    assert isinstance(outcome, Rejected)
    assert outcome.reason == reason
    assert segment not in outcome.detail


@pytest.mark.attack("J5")
@pytest.mark.spec("RFC 7516 section 5.2")
@pytest.mark.parametrize("place", range(5))
def test_every_changed_bit_is_noticed(place: int) -> None:
    token = encrypt(b"secret", jwk=EC.jwk(), algorithm="ECDH-ES+A256KW", encryption="A256CBC-HS512")
    segments = token.split(".")
    for position in (0, len(segments[place]) // 2):
        changed = "B" if segments[place][position] != "B" else "C"
        forged = segments[place][:position] + changed + segments[place][position + 1 :]
        outcome = decrypt(".".join([*segments[:place], forged, *segments[place + 1 :]]), keys=(EC,))
        assert isinstance(outcome, Rejected)


@pytest.mark.attack("J5")
@pytest.mark.attack("J8")
@pytest.mark.spec("RFC 7516 section 11.5")
def test_whatever_goes_wrong_inside_has_one_answer() -> None:
    token = encrypt(b"secret", jwk=RSA.jwk(), algorithm="RSA-OAEP-256", encryption="A128CBC-HS256")
    header, wrapped, vector, content, tag = token.split(".")
    padding = decrypt(".".join((header, "A" * len(wrapped), vector, content, tag)), keys=(RSA,))
    mac = decrypt(".".join((header, wrapped, vector, content, encode(bytes(16)).decode())), keys=(RSA,))
    assert padding == mac == Rejected("jwe.decryption", "no key of ours opens this text")


@pytest.mark.attack("J6")
@pytest.mark.parametrize("token", ["", ".", "....", "a.b.c", "é....", "e30....", "A" * 70_000])
def test_nonsense_is_refused_without_an_exception(token: str) -> None:
    assert isinstance(decrypt(token, keys=(EC, RSA)), Rejected)


@pytest.mark.spec("RFC 7517 section 4.2")
def test_our_keys_are_kept_and_published() -> None:
    for key in (EC, RSA):
        again = decryption_key_from_pem(decryption_key_to_pem(key))
        assert again.jwk() == key.jwk()
        assert key.jwk()["use"] == "enc"
        assert "d" not in key.jwk()
        assert "hidden" in repr(key)


@pytest.mark.spec("RFC 8725 section 3.5")
@pytest.mark.parametrize(
    ("jwk", "algorithm"),
    [
        ({**RSA.jwk(), "use": "sig"}, "RSA-OAEP-256"),
        ({**RSA.jwk(), "alg": "RSA-OAEP"}, "RSA-OAEP-256"),
        (EC.jwk(), "RSA-OAEP-256"),
        (RSA.jwk(), "ECDH-ES"),
        ({"kty": "oct", "k": "AAAA"}, "ECDH-ES"),
        ({"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}, "ECDH-ES"),
        ({"kty": "RSA", "n": encode(b"\x81" * 64).decode(), "e": "AQAB"}, "RSA-OAEP-256"),
        ({"kty": "OKP", "crv": "Ed25519", "x": encode(bytes(32)).decode()}, "ECDH-ES"),
        (EC.jwk(), "dir"),
    ],
)
def test_keys_that_do_not_fit_are_refused(jwk: dict[str, Any], algorithm: str) -> None:
    with pytest.raises(ValueError, match=r"key|algorithm"):
        encrypt(b"secret", jwk=jwk, algorithm=algorithm, encryption="A128GCM")
