"""Keys from strangers: any JSON whatever becomes a key or a ValueError, never anything else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.core.jose.algorithms import ALGORITHMS, generate, public_from_jwk
from keystead.core.jose.jws import read_header
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Header, Rejected

GENUINE = [generate(algorithm).public().jwk() for algorithm in sorted(ALGORITHMS)]
MEMBERS = ("kty", "alg", "use", "key_ops", "kid", "crv", "x", "y", "n", "e", "d", "k", "x5c", "x5u")
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(
        ["EC", "RSA", "OKP", "oct", "P-256", "Ed25519", "ES256", "RS256", "sig", "enc", "verify", "AQAB", ""]
    )
    | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def read_key(jwk: dict[str, Any]) -> None:
    """Read a key; a ValueError is a fine answer."""
    try:
        key = public_from_jwk(jwk, algorithms=ALGORITHMS)
    except ValueError:
        return
    assert key.algorithm in ALGORITHMS
    assert isinstance(key.kid, str)
    assert key.verify(b"", b"") is False
    assert key.verify(b"x" * 64, b"y") is False


@pytest.mark.attack("J7")
@given(st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=8))
@settings(max_examples=300)
def test_any_object_is_a_key_or_a_value_error(jwk: dict[str, Any]) -> None:
    read_key(jwk)


@pytest.mark.attack("J7")
@given(st.sampled_from(GENUINE), st.dictionaries(st.sampled_from(MEMBERS), VALUES, min_size=1, max_size=3))
@settings(max_examples=300)
def test_a_genuine_key_changed_is_a_key_or_a_value_error(jwk: dict[str, Any], changes: dict[str, Any]) -> None:
    read_key({**jwk, **changes})


@pytest.mark.attack("J7")
@given(
    st.dictionaries(st.sampled_from(["keys", "x"]), st.lists(VALUES | st.sampled_from(GENUINE), max_size=5) | VALUES)
)
@settings(max_examples=200)
def test_any_document_is_a_key_set_or_a_value_error(document: dict[str, Any]) -> None:
    try:
        assert len(KeySet.from_jwks(document).keys) <= 64
    except ValueError:
        pass


@pytest.mark.attack("J7")
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda octets: octets.decode("latin-1")))
def test_any_segment_is_a_header_or_a_refusal(segment: str) -> None:
    assert isinstance(read_header(segment), Header | Rejected)
