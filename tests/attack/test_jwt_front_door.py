"""The corpus of bad tokens against the front door itself, and the front door against joserfc."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwk, jws

from keystead.core.jose.algorithms import generate
from keystead.core.jose.claims import Expectation, check_claims
from keystead.core.jose.jws import MAXIMUM_TOKEN, read, sign, verify
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Rejected, VerifiedPayload, VerifiedToken
from keystead.core.values import EpochSeconds
from tests.attack.corpus_jwt import Specimen, forge, forgeries
from tests.attack.corpus_jwt_signed import signed_mistakes

NOW = EpochSeconds(1_800_000_000)
AUDIENCE = "https://orders.acme.example"
CLAIMS: dict[str, Any] = {
    "iss": "http://localhost:8080/realms/acme",
    "aud": AUDIENCE,
    "sub": "usr_1",
    "client_id": "shop",
    "jti": "j1",
    "iat": NOW - 1,
    "exp": NOW + 60,
    "scope": "orders:read",
}
EXPECTED = Expectation(issuer=CLAIMS["iss"], audience=AUDIENCE, now=NOW, required=("sub", "jti", "iat"))
KEYS = [generate(algorithm) for algorithm in ("ES256", "EdDSA", "RS256", "PS256")]
KEY_SET = KeySet(key.public() for key in KEYS)
JWKS = {"keys": [key.public().jwk() for key in KEYS]}


def door(token: str) -> VerifiedToken | Rejected:
    """Do what every door does with a token."""
    outcome = read(token, keys=KEY_SET, typ={"at+jwt"})
    if isinstance(outcome, VerifiedToken):
        checked = check_claims(outcome.claims, EXPECTED)
        if isinstance(checked, Rejected):
            return checked
    return outcome


def specimens() -> list[Specimen]:
    """Return the whole corpus for every algorithm."""
    found: list[Specimen] = []
    for key in KEYS:
        found += forgeries(sign(CLAIMS, key, "at+jwt"), JWKS)
        found += signed_mistakes(key, "at+jwt", CLAIMS, NOW)
    return found


@pytest.mark.attack("J1")
@pytest.mark.attack("J2")
@pytest.mark.attack("J3")
@pytest.mark.attack("J4")
@pytest.mark.attack("J10")
@pytest.mark.attack("J11")
def test_the_whole_corpus_is_refused_and_the_original_accepted() -> None:
    for key in KEYS:
        assert isinstance(door(sign(CLAIMS, key, "at+jwt")), VerifiedToken)
    corpus = specimens()
    accepted = [specimen.name for specimen in corpus if not isinstance(door(specimen.token), Rejected)]
    assert not accepted
    assert len(corpus) > 1000
    assert {specimen.attack for specimen in corpus} == {"J1", "J2", "J3", "J4", "J5", "J10", "J11"}


@pytest.mark.attack("J11")
@pytest.mark.parametrize("ahead", [0, 1, 10])
def test_a_clock_a_little_behind_is_forgiven(ahead: int) -> None:
    claims = {**CLAIMS, "iat": NOW + ahead, "nbf": NOW + ahead}
    assert isinstance(door(sign(claims, KEYS[0], "at+jwt")), VerifiedToken)


@pytest.mark.attack("J11")
def test_checks_tell_what_was_looked_at() -> None:
    passed = check_claims(CLAIMS, EXPECTED)
    assert not isinstance(passed, Rejected)
    assert [check.name for check in passed] == ["issuer", "audience", "expiry", "beginning"]
    failed = check_claims({**CLAIMS, "aud": "https://catalog.acme.example"}, EXPECTED)
    assert isinstance(failed, Rejected)
    assert (failed.reason, failed.checks[-1].passed) == ("jwt.audience", False)
    only = Expectation(issuer=CLAIMS["iss"], audience=AUDIENCE, now=NOW, only_audience=True)
    assert isinstance(check_claims({**CLAIMS, "aud": [AUDIENCE, "other"]}, only), Rejected)
    assert not isinstance(check_claims({**CLAIMS, "aud": [AUDIENCE, "other"]}, EXPECTED), Rejected)


@pytest.mark.attack("J2")
def test_a_key_registered_for_one_algorithm_verifies_no_other() -> None:
    for name, other in (("PS256", "RS256"), ("RS256", "PS256")):
        key = next(key for key in KEYS if key.algorithm == name)
        twin = type(key)(key.primitive, other, key.kid)  # type: ignore[attr-defined, call-arg]  # the same RSA key
        outcome = read(sign(CLAIMS, twin, "at+jwt"), keys=KEY_SET, typ={"at+jwt"})
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "jwt.algorithm"


@pytest.mark.attack("J5")
def test_size_is_bounded_before_anything_is_parsed() -> None:
    bombs = ["A" * 50_000_000, "." * 1_000_000, "e" * 16_000 + ".e.e", "e." + "A" * 16_000 + ".e"]
    for bomb in bombs:
        started = time.perf_counter()
        assert isinstance(read(bomb, keys=KEY_SET, typ={"at+jwt"}), Rejected)
        assert time.perf_counter() - started < 0.05
    long_header = forge({"alg": "ES256", "kid": KEYS[0].kid, "typ": "at+jwt", "x": "y" * 1_000}, CLAIMS, KEYS[0])
    outcome = door(long_header)
    assert isinstance(outcome, Rejected)
    assert outcome.reason == "jwt.too_large"
    longest = {**CLAIMS, "x": "y" * (MAXIMUM_TOKEN - 1_000)}
    assert isinstance(door(sign(longest, KEYS[0], "at+jwt")), Rejected)


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    assert isinstance(door(text), Rejected)


@given(st.data())
@settings(max_examples=300)
def test_no_changed_token_is_accepted(data: st.DataObject) -> None:
    """Change one character, anywhere: there is one spelling of a token and it is signed."""
    token = sign(CLAIMS, KEYS[0], "at+jwt")
    position = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters(codec="ascii").filter(lambda c: c != token[position]))
    assert isinstance(door(token[:position] + character + token[position + 1 :]), Rejected)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ORACLE = jws.JWSRegistry(algorithms=["ES256", "EdDSA", "RS256", "PS256"])


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@given(st.dictionaries(st.text(max_size=6), JSON, max_size=6), st.sampled_from(KEYS))
@settings(max_examples=60, deadline=None)
def test_joserfc_reads_what_we_sign_and_we_read_what_it_signs(claims: dict[str, Any], key: Any) -> None:
    token = sign(claims, key, "at+jwt")
    theirs = jwk.import_key(key.public().jwk())
    assert jws.deserialize_compact(token, theirs, registry=ORACLE).payload == msgspec.json.encode(claims)
    pem = key.primitive.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    kind = key.public().jwk()["kty"]
    header = {"alg": key.algorithm, "kid": key.kid, "typ": "at+jwt"}
    signed = jws.serialize_compact(header, msgspec.json.encode(claims), jwk.import_key(pem, kind), registry=ORACLE)
    outcome = read(signed, keys=KEY_SET, typ={"at+jwt"})
    assert isinstance(outcome, VerifiedToken)
    assert outcome.claims == claims


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_whatever_we_accept_joserfc_accepts() -> None:
    """The front door is the stricter of the two, over the whole corpus."""
    keys = [jwk.import_key(public) for public in JWKS["keys"]]
    for specimen in specimens():
        if isinstance(verify(specimen.token, keys=KEY_SET, typ={"at+jwt"}), VerifiedPayload):
            assert any(_accepts(specimen.token, key) for key in keys)


def _accepts(token: str, key: Any) -> bool:
    try:
        jws.deserialize_compact(token, key, registry=ORACLE)
    except Exception:
        return False
    return True


def test_the_corpus_helpers_sign_for_real() -> None:
    """If `forge` made bad signatures, refusing its tokens would prove nothing."""
    for key in KEYS:
        assert isinstance(
            door(forge({"alg": key.algorithm, "kid": key.kid, "typ": "at+jwt"}, CLAIMS, key)), VerifiedToken
        )
