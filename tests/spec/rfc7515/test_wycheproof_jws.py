"""Every Wycheproof JWS vector against the front door: no false accept, and what is ours accepted."""

from __future__ import annotations

from typing import Any, Final

import pytest

from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.jws import verify
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Rejected, VerifiedPayload
from tests.vectors import wycheproof

MISLABELLED: Final = {346, 347, 350, 351, 372, 373}
VECTORS: Final = list(wycheproof("json_web_signature_test"))


def key_set(group: dict[str, Any]) -> KeySet:
    """Return the public key of a group, or no key where it is not one of ours."""
    try:
        return KeySet.from_jwks({"keys": [group.get("public") or group["private"]]})
    except ValueError:
        return KeySet(())


def ours(group: dict[str, Any], test: dict[str, Any]) -> bool:
    """Say whether a valid vector uses an algorithm we have."""
    key = group.get("public") or group["private"]
    return test["result"] == "valid" and key["alg"] in ALGORITHMS and test["tcId"] not in MISLABELLED


@pytest.mark.attack("J1")
@pytest.mark.attack("J2")
@pytest.mark.spec("RFC 7515 section 5.2")
def test_refuses_all_invalid_vectors_and_the_mislabelled_ones() -> None:
    refused = 0
    for group, test in VECTORS:
        if test["result"] == "invalid" or test["tcId"] in MISLABELLED:
            token = test["jws"] if isinstance(test["jws"], str) else str(test["jws"])
            assert isinstance(verify(token, keys=key_set(group), typ={""}), Rejected), (test["tcId"], test["comment"])
            refused += 1
    assert refused == 355 + 6


@pytest.mark.spec("RFC 7515 section 5.2")
@pytest.mark.parametrize("vector", [v for v in VECTORS if ours(*v)], ids=lambda v: f"{v[1]['tcId']}-{v[1]['comment']}")
def test_accepts_the_valid_vectors_of_our_algorithms(vector: tuple[dict[str, Any], dict[str, Any]]) -> None:
    group, test = vector
    assert isinstance(verify(test["jws"], keys=key_set(group), typ={""}), VerifiedPayload)


def test_leaves_out_only_algorithms_that_we_do_not_have() -> None:
    left_out = {
        (g.get("public") or g["private"])["alg"] for g, t in VECTORS if t["result"] == "valid" and not ours(g, t)
    }
    assert left_out <= {"HS256", "ES521", "RS384", "RS512", "PS384", "PS512", "PS256"}
    assert sum(ours(group, test) for group, test in VECTORS) == 16


@pytest.mark.parametrize("name", ["json_web_key_test", "json_web_crypto_test"])
def test_key_set_rules(name: str) -> None:
    """A JWS under a bad key set is refused; the rest of these files is JWE and HMAC, which has no way in here."""
    for group, test in wycheproof(name):
        token = test.get("jws")
        if not isinstance(token, str):
            continue
        document = group.get("public") or group["private"]
        try:
            keys = KeySet.from_jwks(document if "keys" in document else {"keys": [document]})
        except ValueError:
            keys = KeySet(())
        outcome = verify(token, keys=keys, typ={""})
        symmetric = "oct" in str(document)
        assert isinstance(outcome, Rejected) or test["result"] == "valid", (name, test["tcId"], test["comment"])
        assert isinstance(outcome, VerifiedPayload) or test["result"] == "invalid" or symmetric, (name, test["tcId"])
