"""Signing and reading tokens: what goes out comes in again, under the right key and kind only."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.jose.algorithms import (
    ALGORITHMS,
    generate,
    private_from_pem,
    private_to_pem,
    public_from_jwk,
)
from keystead.core.jose.base64url import decode, encode
from keystead.core.jose.ecdsa import der_to_raw, raw_to_der
from keystead.core.jose.jws import peek_claims_unverified, peek_header_unverified, read, sign
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Rejected, VerifiedToken

KEYS = {algorithm: generate(algorithm) for algorithm in sorted(ALGORITHMS)}


class Claims(msgspec.Struct):
    """Claims as a struct."""

    iss: str


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_signs_what_it_verifies(algorithm: str) -> None:
    key = KEYS[algorithm]
    keys = KeySet.from_jwks({"keys": [key.public().jwk()]})
    for claims in ({"iss": "x"}, b'{"iss":"x"}', Claims("x")):
        for _ in range(3):
            outcome = read(sign(claims, key, "at+jwt"), keys=keys, typ={"at+jwt"})
            assert isinstance(outcome, VerifiedToken)
            assert outcome.claims == {"iss": "x"}
            assert (outcome.header.algorithm, outcome.header.kid) == (algorithm, key.kid)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_a_key_written_and_read_again_is_the_same_key(algorithm: str) -> None:
    key = private_from_pem(private_to_pem(KEYS[algorithm]), algorithm)
    assert key.kid == KEYS[algorithm].kid
    assert key.public().jwk() == KEYS[algorithm].public().jwk()
    other = "ES256" if algorithm != "ES256" else "RS256"
    with pytest.raises(ValueError, match="not a key for"):
        private_from_pem(private_to_pem(KEYS[algorithm]), other)


@pytest.mark.spec("RFC 8725 section 3.11")
@pytest.mark.parametrize(
    ("written", "accepted"),
    [("at+jwt", True), ("AT+JWT", True), ("application/at+jwt", True), ("JWT", False), ("", False), ("at+jwt2", False)],
)
def test_the_kind_of_token_is_checked(written: str, accepted: bool) -> None:
    key = KEYS["ES256"]
    outcome = read(sign({}, key, written), keys=KeySet([key.public()]), typ={"at+jwt"})
    assert isinstance(outcome, VerifiedToken if accepted else Rejected)
    if isinstance(outcome, Rejected):
        assert outcome.reason == "jwt.type"


def test_a_remembered_header_does_not_open_another_kind_or_another_signature() -> None:
    key = KEYS["ES256"]
    keys = KeySet([key.public()])
    token = sign({"a": 1}, key, "at+jwt")
    assert isinstance(read(token, keys=keys, typ={"at+jwt"}), VerifiedToken)
    assert keys.remembered(token.split(".")[0]) is not None
    assert isinstance(read(token, keys=keys, typ={"jwt"}), Rejected)
    assert isinstance(read(token[:-4] + "AAAA", keys=keys, typ={"at+jwt"}), Rejected)


def test_strangers_cannot_fill_the_memory_of_headers() -> None:
    keys = KeySet([KEYS["ES256"].public()])
    stranger = generate("ES256", kid=KEYS["ES256"].kid)
    for number in range(200):
        read(sign({}, stranger, f"t{number}"), keys=keys, typ={f"t{number}"})
    assert not keys._headers


def test_keys_are_found_by_name_and_algorithm_together() -> None:
    ec, ed = KEYS["ES256"].public(), KEYS["EdDSA"].public()
    keys = KeySet([ec, ed])
    assert keys.find(ec.kid, "ES256") is ec
    assert keys.find(ec.kid, "EdDSA") is None
    assert keys.find(None, "ES256") is ec
    assert keys.find(ed.kid, "Ed25519") is ed
    assert keys.find("other", "ES256") is None
    assert KeySet([ec, generate("ES256").public()]).find(None, "ES256") is None
    with pytest.raises(ValueError, match="same kid"):
        KeySet([ec, ec])


def test_a_key_set_leaves_out_what_it_does_not_know_and_refuses_secrets() -> None:
    jwk = KEYS["ES256"].public().jwk()
    strange = [{"kty": "new"}, {}, {**jwk, "use": "enc"}, {**jwk, "key_ops": ["sign"]}, {**jwk, "alg": "ES384"}]
    assert len(KeySet.from_jwks({"keys": [*strange, jwk]}).keys) == 1
    for bad in ({"keys": [jwk, {"kty": "oct", "k": "AAAA"}]}, {"keys": [{**jwk, "d": "AAAA"}]}, {}, {"keys": [1]}):
        with pytest.raises(ValueError, match=r"JWK Set"):
            KeySet.from_jwks(bad)
    with pytest.raises(ValueError, match="JWK Set"):
        KeySet.from_jwks({"keys": [{}] * 65})


@pytest.mark.spec("RFC 7518 section 6.2.1")
def test_malformed_keys_are_refused() -> None:
    ec, ed, rsa = (KEYS[name].public().jwk() for name in ("ES256", "EdDSA", "RS256"))
    x = decode(ec["x"].encode())
    off_curve = {**ec, "y": ec["x"]}
    bad = [
        off_curve,
        {**ec, "x": encode(b"\0" + x).decode()},
        {**ec, "x": ec["x"] + "="},
        {**ec, "x": 1},
        {**ec, "crv": "P-384"},
        {**ec, "kty": "RSA"},
        {**ec, "kid": "k" * 257},
        *({**ec, member: "AAAA"} for member in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")),
        {**ec, "kid": 1},
        {**ec, "alg": 1},
        {**ec, "alg": "HS256"},
        {**ed, "x": encode(bytes(32)).decode()},
        {**ed, "x": encode(b"\x01" + bytes(31)).decode()},
        {**ed, "x": encode(b"\xff" * 32).decode()},
        {**ed, "crv": "Ed448"},
        {**rsa, "e": "Aw"},
        {**rsa, "e": "AQAC"},
        {**rsa, "n": rsa["n"][:100]},
        {**rsa, "n": "AA" + rsa["n"]},
        {name: value for name, value in rsa.items() if name != "alg"},
    ]
    for jwk in bad:
        with pytest.raises(ValueError, match=r"."):
            public_from_jwk(jwk, algorithms=ALGORITHMS)
    without = {name: value for name, value in rsa.items() if name not in ("alg", "kid")}
    key = public_from_jwk(without, algorithms=frozenset(("PS256", "ES256")))
    assert (key.algorithm, key.kid) == ("PS256", KEYS["RS256"].kid)


def test_peeking_proves_nothing_but_reads() -> None:
    token = sign({"iss": "x"}, KEYS["ES256"], "jwt")
    assert peek_claims_unverified(token) == {"iss": "x"}
    header = peek_header_unverified(token)
    assert header is not None
    assert header.kid == KEYS["ES256"].kid
    for bad in ("", "a", "a.b.c", "é.é.é", token + ".", "x" * 20_000):
        assert peek_claims_unverified(bad) is None
        assert peek_header_unverified(bad) is None


@pytest.mark.spec("RFC 7515 section 2")
def test_base64url_has_one_spelling() -> None:
    for octets in (b"", b"\0", b"\xff\xfe", b"abc", bytes(range(256))):
        text = encode(octets)
        assert decode(text) == octets
        for bad in (
            text + b"=",
            text + b"\n",
            b" " + text,
            text + b"==",
            text.replace(b"-", b"+") + b"+",
            text + b"\0",
        ):
            with pytest.raises(ValueError, match="base64url"):
                decode(bad)
    for foreign in (b"\n\n\n\n", b"====", b"    ", b"++++", b"\0\0\0\0", b"\xff\xff\xff\xff"):
        for bad in (b"AAAA" + foreign, foreign + b"AAAA", b"AAAA" + foreign + b"AAAA", b"AAAA" + foreign + b"AA"):
            with pytest.raises(ValueError, match="base64url"):
                decode(bad)
    for unused in (b"AB", b"AAB", b"A", b"AAAAA", b"//8"):
        with pytest.raises(ValueError, match="base64url"):
            decode(unused)


@given(*[st.one_of(st.integers(1, 2**256 - 1), st.integers(1, 2**17), st.integers(2**240, 2**249))] * 2)
def test_signatures_keep_their_numbers_in_both_forms(r: int, s: int) -> None:
    """Numbers with leading zero bytes come once in 128 signatures: too rare to leave to chance."""
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert raw_to_der(raw) == encode_dss_signature(r, s)
    assert der_to_raw(encode_dss_signature(r, s)) == raw
