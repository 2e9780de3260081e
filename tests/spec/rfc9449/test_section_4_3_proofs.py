"""What a DPoP proof must say, claim by claim."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.jose.base64url import encode
from keystead.core.jose.dpop import Arrived, Proof, ProofReader
from keystead.core.jose.outcomes import Rejected
from keystead.core.values import EpochSeconds
from tests.dpop import Sender

NOW = 1_800_000_000
URL = "https://id.test/realms/acme/token"
ARRIVED = Arrived("POST", (URL,), EpochSeconds(NOW))

pytestmark = pytest.mark.attack("A3")


def outcome(proof: str, arrived: Arrived = ARRIVED) -> Proof | Rejected:
    """Read one proof with a fresh reader."""
    return ProofReader().read(proof, arrived)


@pytest.mark.spec("RFC 9449 section 4.3")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "Ed25519", "PS256"])
def test_a_good_proof_names_its_key(algorithm: str) -> None:
    sender = Sender(algorithm)
    proof = outcome(sender.proof("POST", URL, NOW))
    assert isinstance(proof, Proof), proof
    assert proof.thumbprint == sender.thumbprint


@pytest.mark.spec("RFC 9449 section 4.2")
@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": None}, "dpop.type"),
        ({"typ": "JWT"}, "dpop.type"),
        ({"typ": "at+jwt"}, "dpop.type"),
        ({"typ": 7}, "dpop.type"),
        ({"alg": None}, "dpop.algorithm"),
        ({"alg": "none"}, "dpop.algorithm"),
        ({"alg": "HS256"}, "dpop.algorithm"),
        ({"alg": "RS256"}, "dpop.algorithm"),
        ({"alg": "ES512"}, "dpop.algorithm"),
        ({"alg": "PS256"}, "dpop.key"),
        ({"jwk": None}, "dpop.header"),
        ({"jwk": "text"}, "dpop.header"),
        ({"jwk": {}}, "dpop.key"),
        ({"jwk": {"kty": "oct", "k": "c2VjcmV0"}}, "dpop.key"),
        ({"crit": ["b64"]}, "dpop.header"),
        ({"jku": "https://evil.test/keys"}, "dpop.header"),
        ({"x5u": "https://evil.test/certificate"}, "dpop.header"),
    ],
    ids=str,
)
def test_a_header_that_is_no_proofs_is_refused(header: dict[str, Any], reason: str) -> None:
    proof = outcome(Sender().proof("POST", URL, NOW, header=header))
    assert isinstance(proof, Rejected)
    assert proof.reason == reason


@pytest.mark.spec("RFC 9449 section 4.3")
def test_a_private_key_in_the_header_is_refused() -> None:
    sender = Sender()
    private = {**sender.jwk, "d": encode(bytes(range(32))).decode()}
    proof = outcome(sender.proof("POST", URL, NOW, header={"jwk": private}))
    assert isinstance(proof, Rejected)
    assert proof.reason == "dpop.key"


@pytest.mark.spec("RFC 9449 section 4.3")
def test_a_proof_signed_by_another_key_than_it_names_is_refused() -> None:
    other = Sender()
    proof = outcome(Sender().proof("POST", URL, NOW, header={"jwk": other.jwk}))
    assert isinstance(proof, Rejected)
    assert proof.reason == "dpop.signature"


@pytest.mark.spec("RFC 9449 section 4.3")
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"jti": None}, "dpop.jti"),
        ({"jti": ""}, "dpop.jti"),
        ({"jti": 1}, "dpop.jti"),
        ({"jti": "x" * 513}, "dpop.jti"),
        ({"htm": None}, "dpop.method"),
        ({"htm": "GET"}, "dpop.method"),
        ({"htm": "post"}, "dpop.method"),
        ({"htu": None}, "dpop.url"),
        ({"htu": [URL]}, "dpop.url"),
        ({"iat": None}, "dpop.time"),
        ({"iat": "1800000000"}, "dpop.time"),
        ({"iat": float(NOW) + 0.5}, "dpop.time"),
        ({"iat": NOW - 3600}, "dpop.time"),
        ({"iat": NOW - 121}, "dpop.time"),
        ({"iat": NOW + 61}, "dpop.time"),
        ({"iat": NOW + 3600}, "dpop.time"),
        ({"iat": True}, "dpop.time"),
        ({"exp": NOW}, "dpop.time"),
        ({"nbf": NOW + 61}, "dpop.time"),
        ({"nonce": 5}, "dpop.nonce_malformed"),
    ],
    ids=str,
)
def test_claims_that_do_not_fit_the_request_are_refused(claims: dict[str, Any], reason: str) -> None:
    proof = outcome(Sender().proof("POST", URL, NOW, claims=claims))
    assert isinstance(proof, Rejected)
    assert proof.reason == reason


@pytest.mark.spec("FAPI 2.0 Security Profile section 5.3.2.1")
@pytest.mark.parametrize(
    "claims", [{"iat": NOW + 10}, {"iat": NOW - 10}, {"nbf": NOW, "exp": NOW + 300}, {"nbf": NOW + 10}, {"tx_id": 1}]
)
def test_clocks_may_differ_by_ten_seconds_and_other_claims_do_not_matter(claims: dict[str, Any]) -> None:
    assert isinstance(outcome(Sender().proof("POST", URL, NOW, claims=claims, header={"tx_id": 2})), Proof)


@pytest.mark.spec("RFC 9449 section 4.3")
@pytest.mark.parametrize("ath", [None, "", "x", "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo", 1])
def test_the_hash_of_the_access_token_must_be_there_and_right(ath: object) -> None:
    arrived = Arrived("POST", (URL,), EpochSeconds(NOW), access_token="the token")
    sender = Sender()
    assert isinstance(outcome(sender.proof("POST", URL, NOW, token="the token"), arrived), Proof)
    proof = outcome(sender.proof("POST", URL, NOW, token="the token", claims={"ath": ath}), arrived)
    assert isinstance(proof, Rejected)
    assert proof.reason == "dpop.access_token"


@pytest.mark.spec("RFC 9449 section 4.1")
def test_the_example_of_the_specification_is_read() -> None:
    example = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik"
        "VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR"
        "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE"
        "QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj"
        "oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia"
        "WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg"
        "4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    )
    arrived = Arrived("POST", ("https://server.example.com/token",), EpochSeconds(1_562_262_618))
    proof = outcome(example, arrived)
    assert isinstance(proof, Proof), proof
    assert proof.jti == "-BwC3ESc6acc2lTc"


@pytest.mark.parametrize(
    "text", ["", "a.b", "a.b.c.d", "..", "é.a.b", "x" * 9_000, "e30.e30.", "W10.e30.AA", "\0.\0.\0"]
)
def test_no_text_makes_the_reader_fail(text: str) -> None:
    assert isinstance(outcome(text), Rejected)
    good = Sender().proof("POST", URL, NOW)
    header, payload, signature = good.split(".")
    for bad in (f"{header}.{payload}.", f"{header}..{signature}", f"{header}=.{payload}.{signature}", f"{good}="):
        assert isinstance(outcome(bad), Rejected)
